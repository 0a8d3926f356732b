import { type FlagSpec, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { ENDPOINT_STARTS, type Values, valuesOfArguments, valuesOfFlag } from "./words.ts";

/** A completion script for fish, from the program's flag tables. */
export function fishCompletions(program: LoadedProgram): string {
  const lines = [
    `# fish completion of ${program.name}`,
    `complete -c ${program.name} -f`,
    ...program.commands.map(({ name, summary }) =>
      `complete -c ${program.name} -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`
    ),
    ...program.commands.flatMap((command) => commandLines(program.name, command)),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(program: string, command: LoadedCommand): string[] {
  const start = `complete -c ${program} -n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`;
  const flags = Object.entries(command.flags).map(([name, spec]) => `${start} ${flagOptions(name, spec)}`);
  return [...flags, `${start} ${sourceOf(valuesOfArguments(command))}`.trimEnd()];
}

function flagOptions(name: string, spec: FlagSpec): string {
  const values = valuesOfFlag(spec);
  const short = spec.short ? ` -s ${spec.short}` : "";
  const takes = values?.kind === "file" ? "-r" : "-x";
  const value = values === undefined ? "" : ` ${takes} ${sourceOf(values)}`.trimEnd();
  return `-l ${kebabCase(name)}${short} -d ${quote(spec.help)}${value}`;
}

function sourceOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `-a ${quote(values.words.join(" "))}`;
    case "file":
      return "-F";
    case "endpoint":
      return `-a ${quote(ENDPOINT_STARTS.join(" "))}`;
    case "other":
      return "";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
