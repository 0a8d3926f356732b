import type { FlagTable } from "../base/flag_spec.ts";

/** One call of a command, as far as files go. */
export interface FileNaming {
  /** The command's arguments, as in `FILE ENDPOINT`. */
  readonly usage: string;
  readonly table: FlagTable;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

/**
 * Whether the words of a call name a file: by a flag whose value stands as
 * `FILE` in `--help`, by an argument that does, or as the path of a Unix
 * socket. A compiled program gives the right to files back where none does.
 */
export function namesFiles({ usage, table, flags, args }: FileNaming): boolean {
  if (/\bFILE\b/.test(usage) && args.length > 0) return true;
  if (args.some(isUnixSocket)) return true;
  return Object.entries(table).some(([name, { placeholder }]) =>
    valuesOf(flags[name]).some((value) => placeholder === "FILE" || isUnixSocket(value))
  );
}

function valuesOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
}

function isUnixSocket(word: string): boolean {
  return /^unix(?:gram)?:/i.test(word);
}
