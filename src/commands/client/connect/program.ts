import { toBytes } from "../../../base/bytes.ts";
import { TimeoutError } from "../../../base/errors.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { pause } from "../../../net/wait.ts";
import type { Endpoint } from "../../../net/endpoint.ts";
import { ProcessGroup } from "../../../process/process_group.ts";
import { onContinue } from "../../../process/spawn.ts";
import { endpointVariables } from "../../endpoint_variables.ts";

/** Time between SIGTERM and SIGKILL. */
const KILL_MS = 5_000;

/** A program in place of standard input and output. */
interface ProgramOptions {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** The server that its environment names. */
  readonly remote: Endpoint;
  /** Time for the program to end after the connection, and for the server to end after the program, in milliseconds. */
  readonly waitMs: number;
}

/** Standard streams that are those of a program. */
interface ProgramStreams {
  readonly io: ProgramIo;
  /** Called with the side that has ended. */
  readonly onEnd: (side: "own" | "peer") => void;
  /** Aborts `waitMs` after both the program and its output have ended. */
  readonly signal: AbortSignal;
}

/**
 * Runs a program with its standard input and output joined to a connection by `join`. Returns the program's exit code.
 *
 * @throws {UsageError} The command does not exist or cannot be executed.
 * @throws The error of `join`; the program is stopped first.
 */
export async function withProgram(
  io: ProgramIo,
  { words, remote, waitMs }: ProgramOptions,
  join: (streams: ProgramStreams) => Promise<unknown>,
): Promise<number> {
  const output = new ProgramOutput();
  using _further = io.stop.includeFurther();
  const group = new ProcessGroup(words, {
    env: endpointVariables(remote),
    hasInput: true,
    onOutput: (bytes) => output.push(bytes),
    onErrorOutput: (bytes) => io.stderr.writeAsync(bytes),
  });
  using _continuing = onContinue(() => group.resume());
  const endOutput = () => output.end();
  void group.outputSettled().then(endOutput, endOutput);
  const finished = new AbortController();
  const unread = new AbortController();
  try {
    await join({
      io: {
        ...io,
        stdin: { isTerminal: false, setRaw() {}, read: (bytes) => output.read(bytes) },
        stdout: {
          isTerminal: false,
          columns: io.stdout.columns,
          write: (data) => void group.write(toBytes(data)),
          // The program may have closed its input, or ended: what is received then has no reader.
          writeAsync: async (data) => void await group.write(data),
        },
      },
      onEnd(side) {
        if (side === "peer") return void group.endInput();
        void group.ended.then(() => pause(waitMs, finished.signal)).then(() => unread.abort(new Error("unread")));
      },
      signal: unread.signal,
    }).catch((error: unknown) => {
      // Once the program has ended, a server that continues to send, or does not close, is not a failure.
      if (unread.signal.aborted) return;
      if (!(group.hasEnded && error instanceof TimeoutError && error.phase === "reply")) throw error;
    });
    group.endInput();
    if (!await group.hasEndedWithin(waitMs)) {
      io.stderr.write(`parley-client: stopping "${words[0]}": it has not ended with the connection\n`);
    }
  } finally {
    // A second signal does not leave the program running.
    const hurry = new AbortController();
    using _diverted = io.stop.divert(() => hurry.abort());
    output.end();
    finished.abort();
    await group.stop(KILL_MS, hurry.signal);
  }
  return (await group.ended).code;
}

/** Output of a program, to be read as an input; it holds one chunk, so that a slow reader slows the program down. */
class ProgramOutput {
  #chunk: Uint8Array | undefined;
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();

  /** Resolves once the chunk has been read. */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.#hasEnded) return;
    this.#chunk = bytes;
    this.#change();
    while (this.#chunk !== undefined && !this.#hasEnded) await this.#changed.promise;
  }

  end(): void {
    this.#hasEnded = true;
    this.#change();
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#chunk === undefined && !this.#hasEnded) await this.#changed.promise;
    if (this.#chunk === undefined) return null;
    const part = this.#chunk.subarray(0, bytes.length);
    bytes.set(part);
    this.#chunk = part.length < this.#chunk.length ? this.#chunk.subarray(part.length) : undefined;
    this.#change();
    return part.length;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
