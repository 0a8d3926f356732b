import type { ProgramIo } from "./io.ts";

/** Adds colors, or returns text unchanged. */
export interface Style {
  good(text: string): string;
  bad(text: string): string;
  faint(text: string): string;
  strong(text: string): string;
}

/** Colors for standard output, only on a terminal and if `NO_COLOR` is not set. */
export function styleOf(io: ProgramIo): Style {
  const isColored = io.mayColor && io.stdout.isTerminal;
  const paint = (code: number) => (text: string) => isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { good: paint(32), bad: paint(31), faint: paint(2), strong: paint(1) };
}
