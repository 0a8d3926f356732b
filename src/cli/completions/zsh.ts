import { type FlagSpec, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { ENDPOINT_STARTS, type Values, valuesOfArguments, valuesOfFlag } from "./words.ts";

/** A completion script for zsh, from the program's flag tables. */
export function zshCompletions(program: LoadedProgram): string {
  const name = `_${program.name.replaceAll("-", "_")}`;
  const commands = program.commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  return `#compdef ${program.name}
# zsh completion of ${program.name}
${name}() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${program.commands.map(commandCase).join("\n")}
  esac
}
if [ "$funcstack[1]" = "${name}" ]; then ${name} "$@"; else compdef ${name} ${program.name}; fi
`;
}

function commandCase(command: LoadedCommand): string {
  const flags = Object.entries(command.flags).flatMap(([name, spec]) => flagSpecs(kebabCase(name), spec));
  const all = [...flags, quote("--help[show help]"), quote(`*:argument:${actionOf(valuesOfArguments(command))}`)];
  return `    ${command.name})\n      _arguments \\\n${all.map((spec) => `        ${spec}`).join(" \\\n")} ;;`;
}

function flagSpecs(name: string, spec: FlagSpec): string[] {
  const values = valuesOfFlag(spec);
  const help = spec.help.replaceAll(/[[\]\\:]/g, "\\$&");
  const repeat = spec.repeat ? "*" : "";
  const value = values === undefined ? "" : `:value:${actionOf(values)}`;
  return [`--${name}`, ...(spec.short ? [`-${spec.short}`] : [])].map((flag) =>
    quote(`${repeat}${flag}[${help}]${value}`)
  );
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `(${values.words.join(" ")})`;
    case "file":
      return "_files";
    case "endpoint":
      return `{compadd -S '' ${ENDPOINT_STARTS.join(" ")}}`;
    case "other":
      return " ";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
