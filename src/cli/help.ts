import { type FlagSpec, type FlagTable, kebabCase } from "../base/flag_spec.ts";
import type { Example, LoadedCommand, Program } from "./command.ts";
import { EXIT_CODES } from "./exit_codes.ts";

/** Columns that examples may fill, without their margin. */
const WIDTH = 98;

/** Columns that the names of flags may fill. */
const LEFT_WIDTH = 32;

/** Text of `PROGRAM --help`. */
export function programHelp(program: Program): string {
  const examples = program.commands.map(({ example }) => example);
  return sections([
    [`${program.name}: ${program.summary}`, []],
    ["Examples", exampleRows(program.name, examples)],
    ["Commands", columns(program.commands.map(({ name, summary }) => [name, summary]))],
    ["Every command", [`${program.name} COMMAND --help`, `${program.name} --version`]],
    ["Exit codes", exitCodeRows()],
  ]);
}

/** Text of `PROGRAM COMMAND --help`. */
export function commandHelp(program: Program, command: LoadedCommand): string {
  return sections([
    [`${program.name} ${command.name}: ${command.summary}`, []],
    ["Examples", exampleRows(program.name, command.examples)],
    ["Usage", [`${program.name} ${command.name} ${command.usage}`.trimEnd() + " [flags]"]],
    ["Flags", columns(flagRows(command.flags))],
    ["Notes", command.notes?.split("\n") ?? []],
    ["Exit codes", exitCodeRows()],
  ]);
}

/** How a flag is written: `-n, --count N`. */
export function flagUsage(name: string, spec: FlagSpec): string {
  const short = spec.short ? `-${spec.short}, ` : "";
  const value = placeholderOf(spec);
  return `${short}--${kebabCase(name)}${value === "" ? "" : ` ${value}`}`;
}

function placeholderOf(spec: FlagSpec): string {
  if (spec.type === "boolean") return "";
  if (spec.type === "integer" && spec.optional) return `[${spec.placeholder ?? "N"}]`;
  if (spec.placeholder) return spec.placeholder;
  if (spec.type === "choice") return spec.choices.join("|");
  return { text: "TEXT", integer: "N", duration: "TIME", size: "SIZE" }[spec.type];
}

function flagRows(flags: FlagTable): [string, string][] {
  return Object.entries(flags).map(([name, spec]) => {
    const fallback = spec.type === "boolean" || spec.default === undefined ? "" : ` (default ${spec.default})`;
    const repeats = spec.repeat ? " (may be repeated)" : "";
    return [flagUsage(name, spec), `${spec.help}${fallback}${repeats}`];
  });
}

/** Each example beside what it does; above one another where that would be too wide for most terminals. */
function exampleRows(program: string, examples: readonly Example[]): string[] {
  const rows = examples.map(({ words, does }) => [`${program} ${words}`.trimEnd(), `# ${does}`] as const);
  const widest = (index: 0 | 1) => Math.max(0, ...rows.map((row) => row[index].length));
  const gap = 2;
  if (widest(0) + gap + widest(1) > WIDTH) return rows.flatMap(([call, does]) => [does, call]);
  return rows.map(([call, does]) => `${call.padEnd(widest(0) + gap)}${does}`);
}

function exitCodeRows(): string[] {
  return columns(Object.entries(EXIT_CODES));
}

/** Two columns; what is too long for the first one has a row of its own. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const short = rows.map(([left]) => left.length).filter((length) => length <= LEFT_WIDTH);
  const width = Math.max(0, ...short) + 2;
  return rows.flatMap(([left, right]) =>
    left.length > LEFT_WIDTH ? [left, `${" ".repeat(width)}${right}`] : [`${left.padEnd(width)}${right}`]
  );
}

function sections(parts: readonly [string, readonly string[]][]): string {
  return parts
    .filter(([title, rows], index) => index === 0 || rows.length > 0 && title !== "")
    .map(([title, rows], index) =>
      index === 0 ? `${title}\n` : `${title}:\n${rows.map((row) => `  ${row}\n`).join("")}`
    )
    .join("\n");
}
