/** A key that is not a character. */
type KeyName =
  | "enter"
  | "tab"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "up"
  | "down"
  | "home"
  | "end"
  | "word left"
  | "word right"
  | "erase word"
  | "erase to start"
  | "erase to end"
  | "clear screen"
  | "interrupt"
  | "end of input";

/** A pressed key, or typed or pasted text. */
export type Key = { readonly name: KeyName } | { readonly name: "text"; readonly text: string };

/** Enables bracketed paste (xterm). */
export const PASTE_MARKS_ON = "\x1b[?2004h";
/** Disables bracketed paste. */
export const PASTE_MARKS_OFF = "\x1b[?2004l";

const PASTE_BEGIN = "\x1b[200~";
const PASTE_END = "\x1b[201~";

const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\x01": "home",
  "\x02": "left",
  "\x03": "interrupt",
  "\x04": "end of input",
  "\x05": "end",
  "\x06": "right",
  "\x08": "backspace",
  "\t": "tab",
  "\n": "enter",
  "\x0b": "erase to end",
  "\x0c": "clear screen",
  "\r": "enter",
  "\x0e": "down",
  "\x10": "up",
  "\x15": "erase to start",
  "\x17": "erase word",
  "\x7f": "backspace",
};

/** Escape sequences of terminals: ECMA-48, xterm and the Linux console. */
const SEQUENCES: Readonly<Record<string, KeyName>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[F": "end",
  "[H": "home",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  OF: "end",
  OH: "home",
  "[1~": "home",
  "[3~": "delete",
  "[4~": "end",
  "[7~": "home",
  "[8~": "end",
  "[1;5C": "word right",
  "[1;5D": "word left",
  "[1;3C": "word right",
  "[1;3D": "word left",
  b: "word left",
  f: "word right",
  "\x7f": "erase word",
};

/** Decodes the bytes of a terminal in raw mode to keys, however they are chunked. */
export class KeyDecoder {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The keys that the bytes complete; an incomplete escape sequence is kept. */
  push(bytes: Uint8Array): Key[] {
    let text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    this.#rest = "";
    const keys: Key[] = [];
    while (text !== "") {
      const [length, key] = firstKey(text);
      if (length === 0) {
        this.#rest = text;
        break;
      }
      text = text.slice(length);
      if (key) keys.push(key);
    }
    return keys;
  }
}

/** The length of the first key in characters (0 if incomplete), and the key, if known. */
function firstKey(text: string): [number, Key?] {
  if (text.startsWith(PASTE_BEGIN)) return pasted(text);
  if (text.startsWith("\x1b")) return escapeKey(text);
  // deno-lint-ignore no-control-regex
  const plain = /^[^\x00-\x1f\x7f]+/.exec(text)?.[0];
  if (plain !== undefined) return [plain.length, { name: "text", text: plain }];
  const name = CONTROLS[text[0] ?? ""];
  const length = text.startsWith("\r\n") ? 2 : 1;
  return name === undefined ? [length] : [length, { name }];
}

/** Pasted text is one unit: its line ends do not submit, and its control characters have no effect. */
function pasted(text: string): [number, Key?] {
  const end = text.indexOf(PASTE_END);
  if (end === -1) return [0];
  const lines = text.slice(PASTE_BEGIN.length, end).replaceAll(/\r\n?/g, "\n");
  // deno-lint-ignore no-control-regex
  const clean = lines.replaceAll(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
  return [end + PASTE_END.length, { name: "text", text: clean }];
}

function escapeKey(text: string): [number, Key?] {
  // deno-lint-ignore no-control-regex
  const sequence = /^\x1b(\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|O[\x40-\x7e]|[^[O])/.exec(text)?.[1];
  if (sequence === undefined) return [text.length > 16 ? 1 : 0];
  const name = SEQUENCES[sequence];
  return name === undefined ? [1 + sequence.length] : [1 + sequence.length, { name }];
}
