import {
  type Example,
  FLAG_GROUPS,
  type FlagGroup,
  type FlagSpec,
  type FlagTable,
  kebabCase,
} from "../base/flag_spec.ts";
import { type Topic, TOPICS } from "../manual/topics.ts";
import type { LoadedCommand, Program } from "./command.ts";
import { wrapWords } from "./text_width.ts";

/** Maximum columns of a line. */
const WIDTH = 80;

/** Maximum columns for the names of flags. */
const LEFT_WIDTH = 28;

/** Maximum examples without `--help-all`. */
const MAX_EXAMPLES = 3;

/** Groups whose flags `--help` describes; it only names the others. */
const DESCRIBED: readonly FlagGroup[] = ["Common"];

/** Text of `PROGRAM --help`. */
export function programHelp(program: Program): string {
  const examples = program.commands.slice(0, MAX_EXAMPLES).map(({ example }) => example);
  return sections([
    [`${program.name}: ${program.summary}`, []],
    ["Examples", exampleRows(program.name, examples)],
    ["Commands", columns(program.commands.map(({ name, summary }) => [name, summary]))],
    ["Topics", hanging("", TOPICS.map(({ name }) => name).join(", "))],
    [
      "More",
      columns([
        [`${program.name} COMMAND --help`, "examples and flags of a command"],
        [`${program.name} help TOPIC`, "a page of the manual"],
        [`${program.name} --version`, "the version"],
      ]),
    ],
  ]);
}

/** Text of `PROGRAM COMMAND --help`, which fits one screen; with `all`, every flag. */
export function commandHelp(program: Program, command: LoadedCommand, all = false): string {
  const groups = Map.groupBy(Object.entries(command.flags), ([, { group }]) => group);
  const own = groups.get(undefined) ?? [];
  const named = FLAG_GROUPS.filter((group) => groups.has(group));
  const described = named.filter((group) => all || DESCRIBED.includes(group));
  const others = named.filter((group) => !described.includes(group));
  return sections([
    [`${program.name} ${command.name}: ${command.summary}`, []],
    ["Examples", exampleRows(program.name, command.examples.slice(0, all ? undefined : MAX_EXAMPLES))],
    ["Usage", usageRows(program, command)],
    ["Flags", flagRows(own)],
    ...described.map((group) => [group, flagRows(groups.get(group) ?? [])] as const),
    ["More flags, described by --help-all", others.length === 0 ? [] : hanging("", others.join(", "))],
    ["Notes", !all ? [] : command.notes?.split("\n").flatMap((note) => wrapWords(note, WIDTH - 2)) ?? []],
    ["See also", hanging(`${program.name} help `, seeAlso(program, command, named).join(", "))],
  ]);
}

/** The topics about a command and its flags; exit codes apply to all. */
function seeAlso(program: Program, command: LoadedCommand, groups: readonly FlagGroup[]): string[] {
  const isAbout = ({ commands = [], groups: own = [] }: Topic) =>
    commands.includes(`${program.name} ${command.name}`) || own.some((group) => groups.includes(group));
  return [...TOPICS.filter(isAbout).map(({ name }) => name).filter((name) => name !== "exit-codes"), "exit-codes"];
}

/** Syntax of a flag: `-n, --count N`. */
export function flagUsage(name: string, spec: FlagSpec): string {
  const short = spec.short ? `-${spec.short}, ` : "";
  const value = placeholderOf(spec);
  return `${short}--${kebabCase(name)}${value === "" ? "" : ` ${value}`}`;
}

/** Description of a flag with its default. */
export function flagMeaning(spec: FlagSpec): string {
  const fallback = spec.type === "boolean" || spec.default === undefined ? "" : ` (default ${spec.default})`;
  return `${spec.help}${fallback}${spec.repeat ? " (repeatable)" : ""}`;
}

function placeholderOf(spec: FlagSpec): string {
  if (spec.type === "boolean") return "";
  if (spec.type === "integer" && spec.optional) return `[${spec.placeholder ?? "N"}]`;
  if (spec.placeholder) return spec.placeholder;
  if (spec.type === "choice") return spec.choices.join("|");
  return { text: "TEXT", integer: "N", duration: "TIME", size: "SIZE" }[spec.type];
}

type FlagEntry = FlagTable extends Readonly<Record<infer K, infer V>> ? readonly [K, V] : never;

function flagRows(flags: readonly FlagEntry[]): string[] {
  return columns(flags.map(([name, spec]) => [flagUsage(name, spec), flagMeaning(spec)]));
}

function usageRows(program: Program, command: LoadedCommand): string[] {
  const child = /\[?-- .*$/.exec(command.usage)?.[0];
  const own = command.usage.slice(0, command.usage.length - (child?.length ?? 0)).trimEnd();
  return brokenCall([program.name, command.name, own, "[flags]", child].filter(Boolean).join(" "));
}

/** Examples next to their descriptions, or below if that would be too wide. */
function exampleRows(program: string, examples: readonly Example[]): string[] {
  const rows = examples.map(({ words, does }) => [`${program} ${words}`.trimEnd(), `# ${does}`] as const);
  const widest = (index: 0 | 1) => Math.max(0, ...rows.map((row) => row[index].length));
  const gap = 2;
  if (widest(0) + gap + widest(1) <= WIDTH - 2) {
    return rows.map(([call, does]) => `${call.padEnd(widest(0) + gap)}${does}`);
  }
  return rows.flatMap(([call, does]) => [...wrapWords(does, WIDTH - 2), ...brokenCall(call)]);
}

/** A long command continues after a backslash, as in a shell; it is broken only before flags. */
function brokenCall(call: string): string[] {
  const lines: string[] = [];
  for (const piece of call.split(/ (?=--)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= WIDTH - 8) lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines.map((line, index) => `${index === 0 ? "" : "    "}${line}${index < lines.length - 1 ? " \\" : ""}`);
}

/** Two columns; text too long for the first one gets its own row. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const short = rows.map(([left]) => left.length).filter((length) => length <= LEFT_WIDTH);
  const width = Math.max(0, ...short) + 2;
  return rows.flatMap(([left, right]) => {
    const [first = "", ...more] = wrapWords(right, WIDTH - 2 - width);
    const rest = more.map((line) => " ".repeat(width) + line);
    if (left.length > LEFT_WIDTH) return [left, `${" ".repeat(width)}${first}`, ...rest];
    return [`${left.padEnd(width)}${first}`.trimEnd(), ...rest];
  });
}

/** Wraps words after a label, indenting further lines. */
function hanging(label: string, text: string): string[] {
  return wrapWords(text, WIDTH - 2 - label.length)
    .map((line, index) => (index === 0 ? label : " ".repeat(label.length)) + line);
}

function sections(parts: readonly (readonly [string, readonly string[]])[]): string {
  return parts
    .filter(([title, rows], index) => index === 0 || rows.length > 0 && title !== "")
    .map(([title, rows], index) =>
      index === 0 ? `${wrapWords(title, WIDTH).join("\n")}\n` : `${title}:\n${rows.map((row) => `  ${row}\n`).join("")}`
    )
    .join("\n");
}
