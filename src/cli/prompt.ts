import type { ProgramIo } from "./io.ts";
import { type Key, KeyDecoder, PASTE_MARKS_OFF, PASTE_MARKS_ON } from "./keys.ts";
import type { LineEditor, LineEvent } from "./line_editor.ts";
import { textWidth } from "./text_width.ts";

/** A longer unterminated line is broken. */
const TAIL_CELLS = 400;

/** Options of {@linkcode Prompt}. */
interface PromptOptions {
  /** Whether pasted text is one unit including line ends, instead of one line each. */
  readonly takesPastes?: boolean;
  /** Whether submitted lines stay visible; true by default. */
  readonly keeps?: (line: string) => boolean;
}

/**
 * An editable line at the bottom of a terminal, with output printed above it. It controls the terminal until disposed
 * of.
 */
export class Prompt implements Disposable {
  readonly #io: ProgramIo;
  readonly #editor: LineEditor;
  readonly #options: PromptOptions;
  readonly #decoder = new KeyDecoder();
  readonly #buffer = new Uint8Array(4_096);
  readonly #keys: Key[] = [];
  /** An unterminated last line of output, shown above the prompt. */
  #tail = "";
  #isShown = false;
  #isOpen = true;
  /** Column of the cursor in the shown row, which a narrower terminal wraps. */
  #cursor = 0;
  readonly #owner = new DisposableStack();

  constructor(io: ProgramIo, editor: LineEditor, options: PromptOptions = {}) {
    this.#io = io;
    this.#editor = editor;
    this.#options = options;
    this.#owner.use(io.stop.restoreBeforeExit(() => this[Symbol.dispose]()));
    io.stdin.setRaw(true);
    if (options.takesPastes) this.#write(PASTE_MARKS_ON);
    this.#draw();
    this.#owner.use(io.onResize?.(() => this.refresh()));
  }

  /** Waits for the next result; `end` if the terminal has closed. */
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

  /** Prints text above the line; an unterminated last line is continued by the next text. */
  print(text: string): void {
    this.#erase();
    const lines = (this.#tail + text).split("\n");
    const tail = lines.pop() ?? "";
    this.#write(lines.map((line) => `${line}\r\n`).join(""));
    this.#tail = textWidth(tail) > TAIL_CELLS ? "" : tail;
    if (this.#tail !== tail) this.#write(`${tail}\r\n`);
    if (this.#isOpen) this.#draw();
  }

  /** Restores the terminal. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#owner[Symbol.dispose]();
    this.#io.stdin.setRaw(false);
    this.#erase();
    if (this.#tail !== "") this.#write(`${this.#tail}\r\n`);
    if (this.#options.takesPastes) this.#write(PASTE_MARKS_OFF);
  }

  /** Redraws the line after a change of the prompt or the terminal size. */
  refresh(): void {
    if (this.#isOpen) this.#redraw();
  }

  /** Leaves the typed line in place and continues below. */
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
