import { type FlagSpec, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { CommandValues, type Values } from "./words.ts";

/** A completion script for fish, from the program's flag tables. */
export function fishCompletions(program: LoadedProgram): string {
  const lines = [
    `# fish completion of ${program.name}`,
    `complete -c ${program.name} -f`,
    ...program.commands.map(({ name, summary }) =>
      `complete -c ${program.name} -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`
    ),
    ...program.commands.flatMap((command) => commandLines(program, command)),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(program: LoadedProgram, command: LoadedCommand): string[] {
  const values = new CommandValues(program, command);
  const start = `complete -c ${program.name} -n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`;
  const flags = Object.entries(command.flags).map(([name, spec]) => `${start} ${flagOptions(name, spec, values)}`);
  // All kinds of arguments are offered everywhere, because fish has no positions.
  const sources = new Set(values.ofArguments().map(sourceOf).filter(Boolean));
  return [...flags, ...[...sources].map((source) => `${start} ${source}`)];
}

function flagOptions(name: string, spec: FlagSpec, values: CommandValues): string {
  const taken = values.ofFlag(spec);
  const short = spec.short ? ` -s ${spec.short}` : "";
  const takes = taken?.kind === "file" ? "-r" : "-x";
  const value = taken === undefined ? "" : ` ${takes} ${sourceOf(taken)}`.trimEnd();
  return `-l ${kebabCase(name)}${short} -d ${quote(spec.help)}${value}`;
}

function sourceOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `-a ${quote(values.words.join(" "))}`;
    case "starts":
      return `-a ${quote(values.starts.join(" "))}`;
    case "file":
      return "-F";
    case "other":
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
