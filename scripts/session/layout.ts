import type { RecordedScene } from "./record.ts";

/** A row of the picture. */
export interface Row {
  readonly text: string;
  readonly kind: "command" | "continued" | "log" | "good" | "bad" | "plain";
  /** When it appears, or when typing starts. */
  readonly atMs: number;
  /** Duration of typing. */
  readonly typingMs: number;
}

/** Layout of the session. */
interface LayoutOptions {
  /** Characters in a row. */
  readonly columns: number;
  /** Time per typed character. */
  readonly keyMs: number;
  /** Pause for the viewer after a command has ended. */
  readonly pauseMs: number;
}

const PROMPT = "$ ";
const FIRST_MS = 400;

/** The recorded scenes as rows: commands are typed, output appears at its recorded time. */
export function layOut(scenes: readonly RecordedScene[], { columns, keyMs, pauseMs }: LayoutOptions): Row[] {
  const rows: Row[] = [];
  let nowMs = FIRST_MS;
  for (const { command, lines } of scenes) {
    for (const [index, text] of wrap(`${PROMPT}${command}`, columns).entries()) {
      const typingMs = text.length * keyMs;
      rows.push({ text, kind: index === 0 ? "command" : "continued", atMs: nowMs, typingMs });
      nowMs += typingMs;
    }
    for (const { text, ms } of lines) {
      const kind = kindOf(text);
      for (const row of wrap(text, columns)) rows.push({ text: row, kind, atMs: nowMs + ms, typingMs: 0 });
    }
    nowMs += (lines.at(-1)?.ms ?? 0) + pauseMs;
  }
  return rows;
}

/** Splits a text into rows of limited length. */
export function wrap(text: string, columns: number): string[] {
  const characters = [...text];
  const rows: string[] = [];
  for (let at = 0; at < Math.max(1, characters.length); at += columns) {
    rows.push(characters.slice(at, at + columns).join(""));
  }
  return rows;
}

function kindOf(text: string): Row["kind"] {
  if (/^\d\d:\d\d:\d\d\.\d{3} /.test(text)) return "log";
  if (/^(?:ok {2}|exit 0$)/.test(text)) return "good";
  if (/^(?:fail {2}|exit [1-9]|parley-\w+: )/.test(text)) return "bad";
  return "plain";
}
