import { parseArgs } from "@std/cli/parse-args";
import { messageOf, UsageError } from "../base/errors.ts";
import { type FlagSpec, type FlagTable, kebabCase } from "../base/flag_spec.ts";
import { parseDuration, parseSize } from "../base/units.ts";
import { suggest } from "../base/suggest.ts";

/** Flags and arguments of one call. */
export interface ParsedFlags {
  /** Values by the names of the table. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** What is no flag, in order. */
  readonly args: readonly string[];
}

/**
 * Parses the words after a command. A flag's value is `--flag VALUE` or
 * `--flag=VALUE`; everything after `--` is an argument.
 *
 * @throws {UsageError} An unknown flag (with the nearest right one), a missing or wrong value.
 */
export function parseFlags(argv: readonly string[], table: FlagTable): ParsedFlags {
  const specs = new Map(Object.entries(table).map(([name, spec]) => [kebabCase(name), { name, spec }]));
  const longNames = [...specs.keys()];
  const shorts = Object.fromEntries(
    [...specs].flatMap(([long, { spec }]) => spec.short ? [[spec.short, long]] : []),
  );
  const isBoolean = (long: string) => specs.get(long)?.spec.type === "boolean";
  requireValues(argv, (word) => {
    const long = word.startsWith("--") ? word.slice(2) : shorts[word.slice(1)];
    return long !== undefined && specs.has(long) && !isBoolean(long);
  });
  const parsed = parseArgs(argv, {
    boolean: longNames.filter(isBoolean),
    string: ["_", ...longNames.filter((long) => !isBoolean(long))],
    collect: longNames.filter((long) => !isBoolean(long)),
    alias: shorts,
    unknown: (arg) => {
      if (arg.startsWith("-") && arg !== "-") throw unknownFlag(arg, longNames);
      return true;
    },
  });
  const flags: Record<string, unknown> = {};
  for (const [long, { name, spec }] of specs) flags[name] = valueOf(long, spec, parsed[long]);
  return { flags, args: parsed._ };
}

/** Refuses a flag that takes a value at the end of the words, where the parser would take an empty one. */
function requireValues(argv: readonly string[], takesValue: (word: string) => boolean): void {
  for (const [index, word] of argv.entries()) {
    if (word === "--") return;
    const next = argv[index + 1];
    if (takesValue(word) && (next === undefined || next.startsWith("--") || takesValue(next))) {
      throw new UsageError(`the flag ${word} needs a value (write ${word}=VALUE if it begins with "-")`);
    }
  }
}

function unknownFlag(arg: string, known: readonly string[]): UsageError {
  const name = arg.replace(/^--?/, "").replace(/=.*$/s, "");
  const near = suggest(name, known);
  const hint = near === undefined ? "" : `; did you mean --${near}?`;
  return new UsageError(`unknown flag ${arg.startsWith("--") ? `--${name}` : `-${name}`}${hint}`);
}

function valueOf(long: string, spec: FlagSpec, given: unknown): unknown {
  if (spec.type === "boolean") return given === true;
  const texts = Array.isArray(given) ? given.map(String) : [];
  if (spec.repeat) return texts.map((text) => convert(long, spec, text));
  if (texts.length > 1) throw new UsageError(`the flag --${long} is given ${texts.length} times; it takes one value`);
  const text = texts[0] ?? (spec.default === undefined ? undefined : String(spec.default));
  return text === undefined ? undefined : convert(long, spec, text);
}

function convert(long: string, spec: FlagSpec, text: string): unknown {
  try {
    switch (spec.type) {
      case "duration":
        return parseDuration(text);
      case "size":
        return parseSize(text);
      case "integer":
        return parseInteger(text, spec.least ?? 0, spec.most ?? Number.MAX_SAFE_INTEGER);
      case "choice":
        if (spec.choices.includes(text)) return text;
        throw new SyntaxError(`Cannot use "${text}": it takes ${spec.choices.join(", ")}`);
      default:
        return text;
    }
  } catch (error) {
    throw new UsageError(`--${long}: ${messageOf(error)}`, { cause: error });
  }
}

function parseInteger(text: string, least: number, most: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  throw new SyntaxError(`Cannot use "${text}": it takes a whole number, ${range}`);
}
