import type { ProgramIo } from "./io.ts";

/** Words in colour, or as they are. */
export interface Style {
  good(text: string): string;
  bad(text: string): string;
  faint(text: string): string;
  strong(text: string): string;
}

/** Colours for standard output: only where people look at a terminal and `NO_COLOR` is not set. */
export function styleOf(io: ProgramIo): Style {
  const isColored = io.mayColor && io.stdout.isTerminal;
  const paint = (code: number) => (text: string) => isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { good: paint(32), bad: paint(31), faint: paint(2), strong: paint(1) };
}
