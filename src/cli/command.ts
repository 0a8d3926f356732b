import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { ProgramIo } from "./io.ts";
import type { GivenFlag, ParsedFlags } from "./parse_flags.ts";

/** One call of a command, parsed. */
export interface Invocation<T extends FlagTable> {
  /** Flags by the names of the command's table. */
  readonly flags: FlagValues<T>;
  /** The arguments that are not flags, in order. */
  readonly args: readonly string[];
  /** The flags that were given, in order, for commands in which order matters. */
  readonly given: readonly GivenFlag[];
  /** The words after `--` of a command with {@linkcode CommandDefinition.takesCommand}; empty without them. */
  readonly childCommand: readonly string[];
  /** Standard streams and signals. */
  readonly io: ProgramIo;
}

/** An example in `--help`. */
export interface Example {
  /** The words after the program's name. */
  readonly words: string;
  /** What it does. */
  readonly does: string;
}

/** What a command takes and does. Its name, its summary and its first example are in the program's registry. */
export interface CommandDefinition<T extends FlagTable> {
  /** The arguments, as in `ENDPOINT [DATA]`; `""` for none. */
  readonly usage: string;
  /** More examples, besides that of the registry. */
  readonly examples: readonly Example[];
  readonly flags: T;
  /** More for `--help`, in paragraphs. */
  readonly notes?: string;
  /** The words that its only argument may be, for completions. */
  readonly words?: readonly string[];
  /** Schemes that its ENDPOINT takes besides those of the program, for completions. */
  readonly schemes?: readonly string[];
  /** Whether it reads environment variables; every other command gives up that permission first. */
  readonly readsEnvironment?:
    | boolean
    | ((flags: Readonly<Record<string, unknown>>, args: readonly string[]) => boolean);
  /** The words after `--` are a command to run; every other command gives up the permission to run any first. */
  readonly takesCommand?: boolean;
  /** A file that it reads may name programs to run: it gives the permission up itself. */
  readonly mayRunPrograms?: boolean;
  /** It opens the C library, and gives the permission to do so up itself. */
  readonly opensLibrary?: boolean;
  /** It shows its output with the user's pager; that too needs the permission to run commands. */
  readonly runsPager?: boolean;
  /** Runs it and returns the exit code. The caller turns an error into one line and an exit code. */
  run(invocation: Invocation<T>): Promise<number>;
}

/** A command of any flags. */
export interface Command extends Omit<CommandDefinition<FlagTable>, "run"> {
  run(invocation: ParsedFlags & { io: ProgramIo; childCommand: readonly string[] }): Promise<number>;
}

/** Makes a command from its definition; the flags of its `run` are typed by its table. */
export function defineCommand<const T extends FlagTable>(definition: CommandDefinition<T>): Command {
  return {
    ...definition,
    // The parser makes the values from the same table, which is what gives them these types.
    run: (invocation) => definition.run({ ...invocation, flags: invocation.flags as FlagValues<T> }),
  };
}

/** An entry of a program's registry: what `PROGRAM --help` shows of a command, and how to load the command itself. */
export interface CommandEntry {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The first example. */
  readonly example: Example;
  /** Imports the command's file; nothing of it is loaded before. */
  load(): Promise<Command>;
}

/** A program: a name and its commands. */
export interface Program {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Schemes that an ENDPOINT takes, for completions. */
  readonly schemes: readonly string[];
  readonly commands: readonly CommandEntry[];
}

/** A command together with what its entry says of it. */
export interface LoadedCommand extends Command {
  readonly name: string;
  readonly summary: string;
}

/** A program with all its commands loaded, for its manual page and its completions. */
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
