import type { ProgramIo } from "./io.ts";

/** A progress line at the bottom of a terminal, on standard error, and only if that is a terminal. */
export class StatusLine implements Disposable {
  readonly #io: ProgramIo;
  #isShown = false;

  /** Writes nothing before the first {@linkcode show}. */
  constructor(io: ProgramIo) {
    this.#io = io;
  }

  /** Replaces the line. */
  show(text: string): void {
    if (!this.#io.stderr.isTerminal) return;
    // A wrapped line could not be erased.
    this.#io.stderr.write(`\r\x1b[2K${text.slice(0, this.#io.stderr.columns - 1)}`);
    this.#isShown = true;
  }

  /** Erases the line, so that other output can be written. */
  clear(): void {
    if (this.#isShown) this.#io.stderr.write("\r\x1b[2K");
    this.#isShown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
