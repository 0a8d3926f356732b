import { type FlagSpec, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { CommandValues, type Values } from "./words.ts";

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
${program.commands.map((command) => commandCase(command, new CommandValues(program, command))).join("\n")}
  esac
}
if [ "$funcstack[1]" = "${name}" ]; then ${name} "$@"; else compdef ${name} ${program.name}; fi
`;
}

function commandCase(command: LoadedCommand, values: CommandValues): string {
  const flags = Object.entries(command.flags).flatMap(([name, spec]) => flagSpecs(kebabCase(name), spec, values));
  const args = values.ofArguments();
  const places = args.map((each, index) =>
    quote(`${index === args.length - 1 ? "*" : index + 1}:argument:${actionOf(each)}`)
  );
  const all = [...flags, quote("--help[show help]"), quote("--help-all[show every flag]"), ...places];
  return `    ${command.name})\n      _arguments \\\n${all.map((spec) => `        ${spec}`).join(" \\\n")} ;;`;
}

function flagSpecs(name: string, spec: FlagSpec, values: CommandValues): string[] {
  const taken = values.ofFlag(spec);
  const help = spec.help.replaceAll(/[[\]\\:]/g, "\\$&");
  const repeat = spec.repeat ? "*" : "";
  // With =, both --flag VALUE and --flag=VALUE are completed.
  const assigns = taken === undefined ? "" : "=";
  const value = taken === undefined ? "" : `:value:${actionOf(taken)}`;
  return [`--${name}${assigns}`, ...(spec.short ? [`-${spec.short}`] : [])].map((flag) =>
    quote(`${repeat}${flag}[${help}]${value}`)
  );
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `(${values.words.join(" ")})`;
    case "starts":
      return `{compadd -S '' ${values.starts.map((start) => start.replaceAll(":", "\\:")).join(" ")}}`;
    case "file":
      return "_files";
    case "other":
      return " ";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
