import type { Example, FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { ProgramIo } from "./io.ts";
import type { GivenFlag, ParsedFlags } from "./parse_flags.ts";

/** A parsed invocation of a command. */
export interface Invocation<T extends FlagTable> {
  /** Flags by the names of the command's table. */
  readonly flags: FlagValues<T>;
  /** The arguments that are not flags, in order. */
  readonly args: readonly string[];
  /** The given flags in order, for commands where the order matters. */
  readonly given: readonly GivenFlag[];
  /** The words after `--` of a command with {@linkcode CommandDefinition.takesCommand}; empty without them. */
  readonly childCommand: readonly string[];
  /** Standard streams and signals. */
  readonly io: ProgramIo;
}

/** The definition of a command. Its name, summary and first example are in the program's registry. */
export interface CommandDefinition<T extends FlagTable> {
  /** The arguments, as in `ENDPOINT [DATA]`; `""` for none. */
  readonly usage: string;
  /** Additional examples. */
  readonly examples: readonly Example[];
  readonly flags: T;
  /** Additional paragraphs for `--help`. */
  readonly notes?: string;
  /** Possible values of its only argument, for completions. */
  readonly words?: readonly string[];
  /** Schemes of its ENDPOINT besides those of the program, for completions. */
  readonly schemes?: readonly string[];
  /** Whether it reads environment variables; all other commands drop that permission first. */
  readonly readsEnvironment?:
    | boolean
    | ((flags: Readonly<Record<string, unknown>>, args: readonly string[]) => boolean);
  /**
   * Whether the words after `--` are a command to run; all other commands drop the permission to run commands first.
   */
  readonly takesCommand?: boolean;
  /** Whether a file that it reads may name programs to run; it drops the permission itself. */
  readonly mayRunPrograms?: boolean;
  /** Whether it opens the C library; it drops that permission itself. */
  readonly opensLibrary?: boolean;
  /** Whether it shows its output in the user's pager, which also needs the permission to run commands. */
  readonly runsPager?: boolean;
  /** Runs it and returns the exit code. The caller turns an error into one line and an exit code. */
  run(invocation: Invocation<T>): Promise<number>;
}

/** A command of any flags. */
export interface Command extends Omit<CommandDefinition<FlagTable>, "run"> {
  run(invocation: ParsedFlags & { io: ProgramIo; childCommand: readonly string[] }): Promise<number>;
}

/** Defines a command; the flags of its `run` are typed by its table. */
export function defineCommand<const T extends FlagTable>(definition: CommandDefinition<T>): Command {
  return {
    ...definition,
    // The parser creates the values from the same table, so they have these types.
    run: (invocation) => definition.run({ ...invocation, flags: invocation.flags as FlagValues<T> }),
  };
}

/** An entry of a program's registry: what `PROGRAM --help` shows of a command, and how to load it. */
export interface CommandEntry {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The first example. */
  readonly example: Example;
  /** Imports the command's file lazily. */
  load(): Promise<Command>;
}

/** A program: a name and its commands. */
export interface Program {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Schemes of an ENDPOINT, for completions. */
  readonly schemes: readonly string[];
  readonly commands: readonly CommandEntry[];
}

/** A command with its registry entry. */
export interface LoadedCommand extends Command {
  readonly name: string;
  readonly summary: string;
}

/** A program with all commands loaded, for its man page and completions. */
export interface LoadedProgram extends Omit<Program, "commands"> {
  readonly commands: readonly LoadedCommand[];
}

/** Loads one command. */
export async function loadCommand({ name, summary, example, load }: CommandEntry): Promise<LoadedCommand> {
  const command = await load();
  return { ...command, name, summary, examples: [example, ...command.examples] };
}

/** Loads every command of a program. */
export async function loadProgram(program: Program): Promise<LoadedProgram> {
  return { ...program, commands: await Promise.all(program.commands.map(loadCommand)) };
}
