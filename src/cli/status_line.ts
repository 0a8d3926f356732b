import type { ProgramIo } from "./io.ts";

/**
 * One line at the bottom of a terminal that says how far things are. It is
 * written to standard error, and only where that is a terminal.
 */
export class StatusLine implements Disposable {
  readonly #io: ProgramIo;
  #isShown = false;

  /** Nothing is written before the first {@linkcode show}. */
  constructor(io: ProgramIo) {
    this.#io = io;
  }

  /** Whether anybody would see it. */
  get isVisible(): boolean {
    return this.#io.stderr.isTerminal;
  }

  /** Replaces the line. */
  show(text: string): void {
    if (!this.isVisible) return;
    // A line that wraps could not be taken away.
    this.#io.stderr.write(`\r\x1b[2K${text.slice(0, this.#io.stderr.columns - 1)}`);
    this.#isShown = true;
  }

  /** Takes the line away, so that other output can be written. */
  clear(): void {
    if (this.#isShown) this.#io.stderr.write("\r\x1b[2K");
    this.#isShown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
