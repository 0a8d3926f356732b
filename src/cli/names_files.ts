import type { FlagTable } from "../base/flag_spec.ts";
import type { ParsedFlags } from "./parse_flags.ts";

/** The part of a command invocation that concerns files. */
export interface FileNaming {
  /** The command's arguments, as in `FILE ENDPOINT`. */
  readonly usage: string;
  readonly table: FlagTable;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

/**
 * Whether an invocation names a file: with a flag or an argument called `FILE` in `--help`, or as the path of a Unix
 * socket. Otherwise a compiled program drops the permission for files.
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

/** The path of a Unix socket or a file, also within a protocol URL. */
function isUnixSocket(word: string): boolean {
  return /^(?:unix(?:gram)?|file):|^[a-z0-9+.-]+:\/\/.*[?&](?:socket|host)=(?:\/|%2f)/i.test(word);
}

/** Whether an invocation names a command to run: after `--`, in a flag with the value `COMMAND`, or as `exec:`. */
export function namesCommand(
  { args, given }: Pick<ParsedFlags, "args" | "given">,
  childCommand: readonly string[],
): boolean {
  const isCommand = (word: unknown) => typeof word === "string" && /^exec:/i.test(word);
  return childCommand.length > 0 || args.some(isCommand) ||
    given.some(({ name, value }) => name === "start" || isCommand(value));
}
