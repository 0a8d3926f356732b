import type { ProgramIo, ProgramPermission } from "../../src/cli/io.ts";
import { StoppedError } from "../../src/cli/exit_codes.ts";
import { StopSignals } from "../../src/cli/stop_signals.ts";
import { FakeSignals } from "./fake_signals.ts";

/** Signals that a test sends, and the process does not. */
export class FakeStopSignals extends StopSignals {
  readonly #controller = new AbortController();

  constructor(exit: (code: number) => never) {
    super(exit, new FakeSignals());
  }

  override get signal(): AbortSignal {
    return this.#controller.signal;
  }

  override get exitCode(): number | undefined {
    const { reason } = this.signal;
    return reason instanceof StoppedError ? reason.exitCode : undefined;
  }

  override takeOver(): Disposable {
    return new DisposableStack();
  }

  override listen(): this {
    return this;
  }

  send(signal: Deno.Signal): void {
    this.#controller.abort(new StoppedError(signal));
  }
}

/** Standard streams that remember. */
export class FakeIo implements ProgramIo {
  /** What was written to standard output. */
  out = "";
  /** What was written to standard error. */
  err = "";
  /** Thrown by writes to standard output. */
  outFailure: Error | undefined;
  readonly mayColor = false;
  readonly stop = new FakeStopSignals((code) => {
    throw new Error(`exit ${code}`);
  });
  #written = Promise.withResolvers<void>();
  readonly stdin: ProgramIo["stdin"];
  readonly stdout = this.#output((text) => {
    if (this.outFailure) throw this.outFailure;
    this.out += text;
    this.#written.resolve();
    this.#written = Promise.withResolvers();
  });
  readonly stderr = this.#output((text) => void (this.err += text));

  /** `input` gives the next bytes of standard input, or `null` at its end. */
  constructor(input: () => Promise<Uint8Array | null> = () => Promise.resolve(null)) {
    let rest: Uint8Array | null = new Uint8Array();
    this.stdin = {
      async read(bytes) {
        if (rest?.length === 0) rest = await input();
        if (rest === null) return null;
        const chunk = rest.subarray(0, bytes.length);
        rest = rest.subarray(chunk.length);
        bytes.set(chunk);
        return chunk.length;
      },
      setRaw() {},
      isTerminal: false,
    };
  }

  /** Waits until standard output holds a match. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.out);
      if (found) return found[1] ?? found[0];
      await this.#written.promise;
    }
  }

  #output(take: (text: string) => void) {
    const write = (data: string | Uint8Array) => take(typeof data === "string" ? data : new TextDecoder().decode(data));
    return {
      write,
      writeAsync: async (data: Uint8Array) => await write(data),
      isTerminal: false,
      columns: 80,
    };
  }
}

/** The standard streams of a compiled program, and the permissions that it has dropped. */
export class DroppingIo extends FakeIo {
  readonly dropped: ProgramPermission[] = [];

  dropPermissions(...names: readonly ProgramPermission[]): Promise<void> {
    this.dropped.push(...names);
    return Promise.resolve();
  }
}
