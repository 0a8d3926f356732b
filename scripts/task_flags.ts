import type { FlagTable, FlagValues } from "../src/base/flag_spec.ts";
import { messageOf } from "../src/base/errors.ts";
import { flagUsage } from "../src/cli/help.ts";
import { parseFlags } from "../src/cli/parse_flags.ts";

/** The flags of a task in `deno.json`. */
interface TaskDefinition<T extends FlagTable> {
  readonly task: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly flags: T;
}

/** Text of `deno task TASK --help`. */
export function taskHelp({ task, summary, flags }: TaskDefinition<FlagTable>): string {
  const rows = Object.entries(flags).map(([name, spec]) => [flagUsage(name, spec), spec.help] as const);
  const width = Math.max(0, ...rows.map(([usage]) => usage.length));
  const lines = rows.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`);
  return [`deno task ${task}: ${summary}`, ...lines].join("\n");
}

/**
 * The flags of this run of a task. `--help` prints them and exits with 0; a mistake is reported in one line and exits
 * with 2.
 */
export function taskFlags<const T extends FlagTable>(definition: TaskDefinition<T>): FlagValues<T> {
  const { task, flags: table } = definition;
  // `deno task` passes on the dashes that separate its own flags.
  const words = Deno.args.filter((word) => word !== "--");
  if (words.includes("--help") || words.includes("-h")) {
    console.log(taskHelp(definition));
    Deno.exit(0);
  }
  try {
    const { flags, args: [first] } = parseFlags(words, table);
    if (first !== undefined) throw new Error(`it takes flags alone, not "${first}"`);
    // The parser creates the values from the same table, so they have these types.
    return flags as FlagValues<T>;
  } catch (error) {
    console.error(`${task}: ${messageOf(error)}\nTry: deno task ${task} --help`);
    Deno.exit(2);
  }
}
