import { utf8 } from "../base/bytes.ts";
import type { Output, ProgramIo } from "../cli/io.ts";
import { LAST_OUTPUT_MS } from "../cli/print.ts";
import { Logger } from "../log/logger.ts";
import { startTimer } from "../net/wait.ts";
import { configureProgramLogging, type ProgramLogFlags } from "./program_logging.ts";

/** The most text that waits for the reader of standard error. */
const MAX_WAITING = 1024 * 1024;

/**
 * Log lines of a server go to standard error in the background, so that a reader who stops does not stop the server.
 * Dispose of the result last: it writes what still waits.
 */
export function configureServerLogging(flags: ProgramLogFlags, io: ProgramIo): AsyncDisposable {
  const lines = new BackgroundLines(io.stderr);
  configureProgramLogging(flags, io, (line) => lines.write(line));
  return lines;
}

/** Writes lines one after another in the background; those that exceed a bound are dropped and counted. */
class BackgroundLines implements AsyncDisposable {
  readonly #output: Output;
  #waiting = "";
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting += line;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting !== "") {
      const text = this.#waiting;
      this.#waiting = "";
      // The report comes after what was logged before the loss.
      if (this.#dropped > 0) this.#reportDropped();
      await this.#output.writeAsync(utf8(text));
    }
    this.#writing = undefined;
  }

  #reportDropped(): void {
    const count = this.#dropped;
    this.#dropped = 0;
    Logger.of("log").error("lines dropped, because standard error was not read", { count });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#writing === undefined) return;
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    using _timer = startTimer(LAST_OUTPUT_MS, resolve);
    await Promise.race([this.#writing, timeUp]);
  }
}
