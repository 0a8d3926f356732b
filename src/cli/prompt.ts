import type { ProgramIo } from "./io.ts";
import { type Key, KeyDecoder, PASTE_MARKS_OFF, PASTE_MARKS_ON } from "./keys.ts";
import type { LineEditor, LineEvent } from "./line_editor.ts";
import { textWidth } from "./text_width.ts";

/** A line without an end that is longer is ended all the same. */
const TAIL_CELLS = 400;

/** What a {@linkcode Prompt} does besides editing. */
export interface PromptOptions {
  /** Whether what is pasted is one text, its line ends included, instead of a line each. */
  readonly takesPastes?: boolean;
  /** Whether a line that was submitted stays above the next one; true by default. */
  readonly keeps?: (line: string) => boolean;
}

/**
 * A line that is edited at the bottom of a terminal, while other text is
 * printed above it. It takes the terminal over until it is disposed of.
 */
export class Prompt implements Disposable {
  readonly #io: ProgramIo;
  readonly #editor: LineEditor;
  readonly #options: PromptOptions;
  readonly #decoder = new KeyDecoder();
  readonly #buffer = new Uint8Array(4_096);
  readonly #keys: Key[] = [];
  /** A last line of printed text that has no end yet: it stands above the prompt. */
  #tail = "";
  #isShown = false;
  #isOpen = true;
  /** Column of the cursor in the row that is shown: a terminal that has become narrower wraps the row before it. */
  #cursor = 0;
  readonly #resizing: Disposable | undefined;

  constructor(io: ProgramIo, editor: LineEditor, options: PromptOptions = {}) {
    this.#io = io;
    this.#editor = editor;
    this.#options = options;
    io.stdin.setRaw(true);
    if (options.takesPastes) this.#write(PASTE_MARKS_ON);
    this.#draw();
    this.#resizing = io.onResize?.(() => this.refresh());
  }

  /** Waits until a key leads to something; `end` also where the terminal is gone. */
  async next(): Promise<LineEvent> {
    for (;;) {
      for (let key = this.#keys.shift(); key; key = this.#keys.shift()) {
        const typed = this.#editor.text;
        const event = this.#editor.onKey(key);
        if (event?.kind === "clear screen") this.#write("\x1b[2J\x1b[H");
        else if (event) {
          this.#leaveLine(event, typed);
          return event;
        }
      }
      this.#redraw();
      const count = await this.#io.stdin.read(this.#buffer);
      if (count === null) return { kind: "end" };
      this.#keys.push(...this.#decoder.push(this.#buffer.subarray(0, count)));
    }
  }

  /** Prints text above the line; what follows the last line end is continued by the next text. */
  print(text: string): void {
    this.#erase();
    const lines = (this.#tail + text).split("\n");
    const tail = lines.pop() ?? "";
    this.#write(lines.map((line) => `${line}\r\n`).join(""));
    this.#tail = textWidth(tail) > TAIL_CELLS ? "" : tail;
    if (this.#tail !== tail) this.#write(`${tail}\r\n`);
    if (this.#isOpen) this.#draw();
  }

  /** Gives the terminal back. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#resizing?.[Symbol.dispose]();
    this.#erase();
    if (this.#tail !== "") this.#write(`${this.#tail}\r\n`);
    if (this.#options.takesPastes) this.#write(PASTE_MARKS_OFF);
    this.#io.stdin.setRaw(false);
  }

  /** Draws the line again: its prompt, or the terminal's size, has changed. */
  refresh(): void {
    if (this.#isOpen) this.#redraw();
  }

  /** What was typed stays where it was, and the next line is edited below. */
  #leaveLine(event: LineEvent, typed: string): void {
    this.#erase();
    if (this.#tail !== "") this.#write(`${this.#tail}\r\n`);
    this.#tail = "";
    if (event.kind === "line" && (this.#options.keeps?.(typed) ?? true)) {
      this.#write(`${this.#editor.prompt}${typed.replaceAll("\n", "\r\n")}\r\n`);
    }
    this.#draw();
  }

  #redraw(): void {
    this.#erase();
    this.#draw();
  }

  #erase(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    const { columns } = this.#io.stdout;
    const tailRows = this.#tail === "" ? 0 : Math.max(1, Math.ceil(textWidth(this.#tail) / columns));
    const rows = tailRows + Math.floor(this.#cursor / columns);
    this.#write(`\r${rows === 0 ? "" : `\x1b[${rows}A`}\x1b[J`);
  }

  #draw(): void {
    const row = this.#editor.render(this.#io.stdout.columns);
    const tail = this.#tail === "" ? "" : `${this.#tail}\r\n`;
    this.#write(`${tail}${row.text}\r${row.cursor === 0 ? "" : `\x1b[${row.cursor}C`}`);
    this.#cursor = row.cursor;
    this.#isShown = true;
  }

  #write(text: string): void {
    if (text !== "") this.#io.stdout.write(text);
  }
}
