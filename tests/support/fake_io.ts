import type { ProgramIo } from "../../src/cli/io.ts";
import { StopSignals } from "../../src/cli/stop_signals.ts";

/** Standard streams that remember. */
export class FakeIo implements ProgramIo {
  /** What was written to standard output. */
  out = "";
  /** What was written to standard error. */
  err = "";
  /** Thrown by writes to standard output. */
  outFailure: Error | undefined;
  readonly mayColor = false;
  readonly stop = new StopSignals((code) => {
    throw new Error(`exit ${code}`);
  });
  readonly stdin: ProgramIo["stdin"];
  readonly stdout = this.#output((text) => {
    if (this.outFailure) throw this.outFailure;
    this.out += text;
  });
  readonly stderr = this.#output((text) => void (this.err += text));

  /** `input` gives the next bytes of standard input, or `null` at its end. */
  constructor(input: () => Promise<Uint8Array | null> = () => Promise.resolve(null)) {
    this.stdin = {
      async read(bytes) {
        const chunk = await input();
        if (chunk === null) return null;
        bytes.set(chunk);
        return chunk.length;
      },
      setRaw() {},
      isTerminal: false,
    };
  }

  #output(take: (text: string) => void) {
    const write = (data: string | Uint8Array) => take(typeof data === "string" ? data : new TextDecoder().decode(data));
    return {
      write,
      writeAsync: (data: string | Uint8Array) => Promise.resolve(write(data)),
      isTerminal: false,
      columns: 80,
    };
  }
}
