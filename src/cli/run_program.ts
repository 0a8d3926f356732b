import { escapeControls, toJsonLine } from "../base/bytes.ts";
import { messageOf, ParleyError, UsageError } from "../base/errors.ts";
import type { FlagTable } from "../base/flag_spec.ts";
import { type CommandEntry, loadCommand, type Program } from "./command.ts";
import { EXIT, exitCodeOf, StoppedError } from "./exit_codes.ts";
import { commandHelp, programHelp } from "./help.ts";
import type { ProgramIo, ProgramPermission } from "./io.ts";
import { beforeDashes, type ParsedFlags, parseFlags, splitAtDashes } from "./parse_flags.ts";
import { print, UnreadOutputError } from "./print.ts";
import { unknownCommand } from "./unknown_command.ts";
import { versionLine } from "./version.ts";

/**
 * Runs a command and returns the exit code. An error is one line on standard error, never a stack trace, and with
 * `--json` also one object on standard output.
 */
export async function runProgram(program: Program, argv: readonly string[], io: ProgramIo): Promise<number> {
  try {
    return await dispatch(program, argv, io);
  } catch (error) {
    return await report(program, argv, io, error);
  }
}

/** Reports an error and returns the exit code. */
async function report(program: Program, argv: readonly string[], io: ProgramIo, error: unknown): Promise<number> {
  const code = exitCodeOf(error);
  if (code === EXIT.brokenPipe || error instanceof UnreadOutputError) return code;
  if (error instanceof StoppedError) return await reportAsJson(argv, io, error, code);
  const isOfUser = error instanceof UsageError || code === EXIT.usage;
  const label = error instanceof ParleyError || isOfUser ? "" : error instanceof Error ? `${error.name}: ` : "";
  const hint = [program.name, commandOf(program, argv)?.name].filter(Boolean).join(" ");
  io.stderr.write(
    `${program.name}: ${label}${escapeControls(messageOf(error))}\n${isOfUser ? `Try: ${hint} --help\n` : ""}`,
  );
  return await reportAsJson(argv, io, error, code);
}

/** With `--json`, reports an error as one object on standard output; returns the exit code. */
async function reportAsJson(argv: readonly string[], io: ProgramIo, error: unknown, code: number): Promise<number> {
  if (!beforeDashes(argv).includes("--json")) return code;
  try {
    await print(io, toJsonLine(failureObject(error, code)));
    return code;
  } catch (failure) {
    return exitCodeOf(failure);
  }
}

async function dispatch(program: Program, argv: readonly string[], io: ProgramIo): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.stderr.write(programHelp(program));
    return EXIT.usage;
  }
  if (first === "--help" || first === "-h" || first === "help" && rest.length === 0) {
    return printAtOnce(programHelp(program), io);
  }
  if (first === "--version" || first === "-V") {
    return printAtOnce(`${versionLine(program.name)}\n`, io);
  }
  rejectMangledArguments(argv);
  const entry = commandOf(program, argv);
  if (!entry) throw unknownCommand(program, first);
  const command = await loadCommand(entry);
  const words = beforeDashes(rest);
  const all = words.includes("--help-all");
  if (all || words.includes("--help") || words.includes("-h")) {
    return printAtOnce(commandHelp(program, command, all), io);
  }
  const { own, childCommand } = command.takesCommand ? splitAtDashes(rest) : { own: rest, childCommand: [] };
  const parsed = parseFlags(own, command.flags);
  const dropUnless = async (isNeeded: boolean | undefined, ...names: readonly ProgramPermission[]) => {
    if (!isNeeded) await io.dropPermissions?.(...names);
  };
  const { readsEnvironment: reads } = command;
  await dropUnless(command.opensLibrary, "ffi");
  await dropUnless(namesFiles({ usage: command.usage, table: command.flags, ...parsed }), "read", "write");
  await dropUnless(namesCommand(parsed, childCommand) || command.runsPager || command.mayRunPrograms, "run");
  await dropUnless(typeof reads === "function" ? reads(parsed.flags, parsed.args) : reads, "env");
  using _signals = io.stop.takeOver();
  return await command.run({ ...parsed, childCommand, io });
}

/**
 * Prints what needs no command to run, and waits for a turn of the event loop, in which the runtime stores the code that
 * it has compiled: a program that exits in its first turn is compiled again by each start.
 */
async function printAtOnce(text: string, io: ProgramIo): Promise<number> {
  io.stdout.write(text);
  const { promise: turn, resolve } = Promise.withResolvers<void>();
  // `setTimeout` would load Node's timers first.
  AbortSignal.timeout(0).addEventListener("abort", () => resolve(), { once: true });
  await turn;
  return EXIT.done;
}

/** The runtime decodes arguments with U+FFFD for each invalid UTF-8 byte. */
function rejectMangledArguments(argv: readonly string[]): void {
  const index = argv.findIndex((word) => word.includes("\u{FFFD}"));
  if (index === -1) return;
  throw new UsageError(
    `argument ${index + 1} is not UTF-8: "${argv[index]}"; write such bytes as \\xHH, or read them with --file`,
  );
}

function commandOf(program: Program, argv: readonly string[]): CommandEntry | undefined {
  return program.commands.find(({ name }) => name === argv[0]);
}

function failureObject(error: unknown, exitCode: number): object {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  const endpoint = error instanceof ParleyError ? error.endpoint : undefined;
  return { ok: false, exitCode, error: { name, message, endpoint } };
}

/** The part of a command invocation that concerns files. */
interface FileNaming {
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
