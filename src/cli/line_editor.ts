import type { Key } from "./keys.ts";
import { graphemes, textWidth } from "./text_width.ts";

/** The result of a key, besides a change of the line. */
export type LineEvent =
  /** Enter; the line is now empty. */
  | { readonly kind: "line"; readonly text: string }
  /** Ctrl-C. */
  | { readonly kind: "interrupt" }
  /** Ctrl-D on an empty line. */
  | { readonly kind: "end" }
  /** Ctrl-L. */
  | { readonly kind: "clear screen" };

/** One row of a terminal. */
interface Row {
  readonly text: string;
  /** Column of the cursor, from 0. */
  readonly cursor: number;
}

/** Options of {@linkcode LineEditor}. */
interface LineEditorOptions {
  /** The prompt before the line. */
  prompt: string;
  /**
   * Maximum lines of history.
   *
   * @default {1000}
   */
  historyLines?: number;
  /** Completes the text before the cursor on Tab, `undefined` for no completion; without it Tab inserts a tab. */
  complete?: (before: string) => string | undefined;
}

/**
 * A line editor with history, as a state machine without I/O. It has the keys of a shell: arrows, Home, End, words with
 * Ctrl or Alt and arrows, Ctrl-A, E, B, F, K, U, W, L, P, N.
 */
export class LineEditor {
  /** The prompt; may change at any time. */
  prompt: string;
  readonly #historyLines: number;
  readonly #complete: LineEditorOptions["complete"];
  readonly #history: string[] = [];
  #before = "";
  #after = "";
  /** Index of the shown history line; the length of the history means the current line. */
  #place = 0;
  #draft = "";

  constructor(options: LineEditorOptions) {
    this.prompt = options.prompt;
    this.#historyLines = options.historyLines ?? 1_000;
    this.#complete = options.complete;
  }

  /** The current line. */
  get text(): string {
    return this.#before + this.#after;
  }

  /** Handles a key. */
  onKey(key: Key): LineEvent | undefined {
    switch (key.name) {
      case "text":
        return void (this.#before += key.text);
      case "tab":
        return void (this.#before = this.#complete
          ? this.#complete(this.#before) ?? this.#before
          : `${this.#before}\t`);
      case "enter":
        return this.#submit();
      case "interrupt":
        return { kind: "interrupt" };
      case "end of input":
        return this.text === "" ? { kind: "end" } : void this.#deleteAfter();
      case "clear screen":
        return { kind: "clear screen" };
      case "up":
        return void this.#showHistory(this.#place - 1);
      case "down":
        return void this.#showHistory(this.#place + 1);
      default:
        return void this.#edit(key.name);
    }
  }

  /** Renders the line in one row; of a long line the part around the cursor. */
  render(columns: number): Row {
    const prompt = textWidth(this.prompt) * 2 > columns ? "" : this.prompt;
    const space = Math.max(1, columns - textWidth(prompt) - 1);
    const before = shown(this.#before);
    const visible = textWidth(before) <= space ? before : lastCells(before, Math.ceil(space / 2));
    const after = firstCells(shown(this.#after), space - textWidth(visible));
    return { text: prompt + visible + after, cursor: textWidth(prompt + visible) };
  }

  #edit(name: Exclude<Key["name"], "text">): void {
    switch (name) {
      case "left":
        return this.#moveTo(dropLast(this.#before));
      case "right":
        return this.#moveTo(this.#before + (graphemes(this.#after)[0] ?? ""));
      case "home":
        return this.#moveTo("");
      case "end":
        return this.#moveTo(this.text);
      case "word left":
        return this.#moveTo(beforeWord(this.#before));
      case "word right":
        return this.#moveTo(this.#before + (/^[^\p{L}\p{N}]*[\p{L}\p{N}]*/u.exec(this.#after)?.[0] ?? ""));
      case "backspace":
        return void (this.#before = dropLast(this.#before));
      case "delete":
        return this.#deleteAfter();
      case "erase word":
        return void (this.#before = withoutLast(this.#before.trimEnd(), /\s/));
      case "erase to start":
        return void (this.#before = "");
      case "erase to end":
        return void (this.#after = "");
    }
  }

  #submit(): LineEvent {
    const text = this.text;
    if (text !== "" && this.#history.at(-1) !== text) this.#history.push(text);
    if (this.#history.length > this.#historyLines) this.#history.shift();
    this.#place = this.#history.length;
    this.#before = this.#after = this.#draft = "";
    return { kind: "line", text };
  }

  #showHistory(place: number): void {
    if (place < 0 || place > this.#history.length) return;
    if (this.#place === this.#history.length) this.#draft = this.text;
    this.#place = place;
    this.#before = this.#history[place] ?? this.#draft;
    this.#after = "";
  }

  #moveTo(before: string): void {
    const text = this.text;
    this.#before = before;
    this.#after = text.slice(before.length);
  }

  #deleteAfter(): void {
    this.#after = graphemes(this.#after).slice(1).join("");
  }
}

/** Tabs and pasted line ends are shown in one cell. */
function shown(text: string): string {
  return text.replaceAll("\t", " ").replaceAll("\n", "↵");
}

function dropLast(text: string): string {
  return graphemes(text).slice(0, -1).join("");
}

function beforeWord(text: string): string {
  return withoutLast(withoutLast(text, /[\p{L}\p{N}]/u), /[^\p{L}\p{N}]/u);
}

/** The text up to and including its last separator. A regular expression ending in `$` would take quadratic time. */
function withoutLast(text: string, separator: RegExp): string {
  return text.slice(0, text.length - (text.split(separator).at(-1) ?? "").length);
}

function lastCells(text: string, cells: number): string {
  return takeCells(graphemes(text).reverse(), cells).reverse().join("");
}

function firstCells(text: string, cells: number): string {
  return takeCells(graphemes(text), cells).join("");
}

function takeCells(all: readonly string[], cells: number): string[] {
  const taken: string[] = [];
  let left = cells;
  for (const grapheme of all) {
    left -= textWidth(grapheme);
    if (left < 0) break;
    taken.push(grapheme);
  }
  return taken;
}
