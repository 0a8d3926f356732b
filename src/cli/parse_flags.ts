import { parseArgs } from "@std/cli/parse-args";
import { messageOf, UsageError } from "../base/errors.ts";
import { type FlagSpec, type FlagTable, kebabCase } from "../base/flag_spec.ts";
import { parseDuration, parseSize, parseTimerDuration } from "../base/units.ts";
import { didYouMean } from "../base/suggest.ts";

/** Parsed flags and arguments. */
export interface ParsedFlags {
  /** Values by the names of the table. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Arguments in order. */
  readonly args: readonly string[];
  /** The given flags in order, for commands where the order matters. */
  readonly given: readonly GivenFlag[];
}

/** A given flag. */
export interface GivenFlag {
  /** Its key in the table. */
  readonly name: string;
  readonly value: unknown;
}

/**
 * Parses the words after a command. A flag's value is `--flag VALUE` or `--flag=VALUE`; everything after `--` is an
 * argument.
 *
 * @throws {UsageError} A flag is unknown (the message suggests a similar one), or its value is missing or invalid.
 */
export function parseFlags(argv: readonly string[], table: FlagTable): ParsedFlags {
  const specs = new Map(Object.entries(table).map(([name, spec]) => [kebabCase(name), { name, spec }]));
  const longNames = [...specs.keys()];
  const shorts = Object.fromEntries(
    [...specs].flatMap(([long, { spec }]) => spec.short ? [[spec.short, long]] : []),
  );
  const isBoolean = (long: string) => specs.get(long)?.spec.type === "boolean";
  const words = joinValues(withPresentNames(argv, specs), (word) => {
    const long = word.startsWith("--") ? word.slice(2) : word.startsWith("-") ? shorts[word.slice(1)] : undefined;
    const spec = long === undefined ? undefined : specs.get(long)?.spec;
    if (long === undefined || spec === undefined) return undefined;
    const isOptional = spec.type === "integer" && spec.optional === true;
    return { long, takesValue: isOptional ? "optional" : spec.type !== "boolean" };
  });
  const parsed = parseArgs(words, {
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
  const given = beforeDashes(words).flatMap((word) => {
    const [, long = "", text = ""] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const found = specs.get(long);
    return found ? [{ name: found.name, value: isBoolean(long) || convert(long, found.spec, text) }] : [];
  });
  return { flags, args: parsed._, given };
}

/** Replaces former names of flags. */
function withPresentNames(
  argv: readonly string[],
  specs: ReadonlyMap<string, { readonly spec: FlagSpec }>,
): readonly string[] {
  const present = new Map([...specs].flatMap(([long, { spec }]) => spec.formerName ? [[spec.formerName, long]] : []));
  const own = beforeDashes(argv).map((word) => {
    const [, name = "", value = ""] = /^--([^=]+)(=.*)?$/s.exec(word) ?? [];
    const long = present.get(name);
    return long === undefined ? word : `--${long}${value}`;
  });
  return [...own, ...argv.slice(own.length)];
}

/** Splits the words at `--`. */
export function splitAtDashes(words: readonly string[]): { own: readonly string[]; childCommand: readonly string[] } {
  const own = beforeDashes(words);
  const childCommand = words.slice(own.length + 1);
  if (own.length < words.length && childCommand.length === 0) throw new UsageError('no command follows "--"');
  return { own, childCommand };
}

/** Words that may be flags. */
export function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf("--");
  return dashes === -1 ? words : words.slice(0, dashes);
}

/**
 * Rewrites each known flag to `--flag=VALUE` and rejects a missing value: given two words, the parser would
 * misinterpret an empty value, a negative number and "true".
 */
function joinValues(
  argv: readonly string[],
  flagOf: (word: string) => { long: string; takesValue: boolean | "optional" } | undefined,
): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") return words.concat(argv.slice(index));
    const flag = flagOf(word);
    if (!flag) {
      const name = /^--?[^=]+(?==)/.exec(word)?.[0] ?? "";
      if (flagOf(name)?.takesValue === false) throw new UsageError(`the flag ${name} does not accept a value`);
      words.push(word);
    } else if (!flag.takesValue) {
      // The parser would take `--no-x=true` as a value of `x`.
      words.push(flag.long.startsWith("no-") ? `--${flag.long}` : `--${flag.long}=true`);
    } else if (flag.takesValue === "optional" && !/^\d*$/.test(argv[index + 1] ?? "-")) {
      words.push(`--${flag.long}=true`);
    } else {
      const next = argv[++index];
      if (next === undefined || next.startsWith("--") || flagOf(next)) {
        throw new UsageError(`the flag ${word} needs a value (write ${word}=VALUE if it begins with "-")`);
      }
      words.push(`--${flag.long}=${next}`);
    }
  }
  return words;
}

function unknownFlag(arg: string, known: readonly string[]): UsageError {
  const name = arg.replace(/^--?/, "").replace(/=.*$/s, "");
  const hint = didYouMean(name, known, "", "--");
  return new UsageError(
    `unknown flag ${arg.startsWith("--") ? `--${name}` : `-${name}`}${hint === "" ? "" : `; ${hint}`}`,
  );
}

function valueOf(long: string, spec: FlagSpec, given: unknown): unknown {
  if (spec.type === "boolean") return given === true;
  const texts = Array.isArray(given) ? given.map(String) : [];
  if (spec.repeat) return texts.map((text) => convert(long, spec, text));
  if (texts.length > 1) {
    throw new UsageError(`the flag --${long} was given ${texts.length} times; only one value is allowed`);
  }
  const text = texts[0] ?? (spec.default === undefined ? undefined : String(spec.default));
  return text === undefined ? undefined : convert(long, spec, text);
}

function convert(long: string, spec: FlagSpec, text: string): unknown {
  try {
    switch (spec.type) {
      case "duration":
        return spec.isTimer === false ? parseDuration(text) : parseTimerDuration(text);
      case "size":
        return parseSize(text);
      case "integer":
        if (spec.optional && text === "true") return true;
        return parseInteger(text, spec.min ?? 0, spec.max ?? Number.MAX_SAFE_INTEGER);
      case "choice":
        if (spec.choices.includes(text)) return text;
        throw new SyntaxError(`Cannot use "${text}": expected ${spec.choices.join(", ")}`);
      default:
        if (text === "" && !(spec.type === "text" && spec.allowsEmpty)) {
          throw new SyntaxError("the value must not be empty");
        }
        return text;
    }
  } catch (error) {
    throw new UsageError(`--${long}: ${messageOf(error)}`, { cause: error });
  }
}

function parseInteger(text: string, min: number, max: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  throw new SyntaxError(`Cannot use "${text}": expected a whole number, ${range}`);
}
