import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import type { ProgramIo } from "./io.ts";
import type { GivenFlag, ParsedFlags } from "./parse_flags.ts";

/** One call of a command, parsed. */
export interface Invocation<T extends FlagTable> {
  /** Flags by the names of the command's table. */
  readonly flags: FlagValues<T>;
  /** What is no flag, in order. */
  readonly args: readonly string[];
  /** The flags that were given, in order, for commands in which order matters. */
  readonly given: readonly GivenFlag[];
  /** The world: standard streams, signals. */
  readonly io: ProgramIo;
}

/** An example in `--help`. */
export interface Example {
  /** The words after the program's name. */
  readonly words: string;
  /** What it does. */
  readonly does: string;
}

/** What a command is, and what it does. */
export interface CommandDefinition<T extends FlagTable> {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The arguments, as in `ENDPOINT [DATA]`; `""` for none. */
  readonly usage: string;
  readonly examples: readonly Example[];
  readonly flags: T;
  /** More for `--help`, in paragraphs. */
  readonly notes?: string;
  /** It reads variables of the environment; all others give that right back. */
  readonly readsEnvironment?: boolean;
  /** Does it; the result is the exit code. Errors are turned into a line and an exit code by the caller. */
  run(invocation: Invocation<T>): Promise<number>;
}

/** A command of any flags, as a program holds it. */
export interface Command extends Omit<CommandDefinition<FlagTable>, "run"> {
  run(invocation: ParsedFlags & { io: ProgramIo }): Promise<number>;
}

/** Makes a command from its definition; the flags of its `run` are typed by its table. */
export function defineCommand<const T extends FlagTable>(definition: CommandDefinition<T>): Command {
  return {
    ...definition,
    // The parser makes the values from the same table, which is what gives them these types.
    run: (invocation) => definition.run({ ...invocation, flags: invocation.flags as FlagValues<T> }),
  };
}

/** A program: a name and its commands. */
export interface Program {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly commands: readonly Command[];
}
