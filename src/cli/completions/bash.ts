import { kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { ENDPOINT_STARTS, flagWords, type Values, valuesOfArguments, valuesOfFlag } from "./words.ts";

/** A completion script for bash, from the program's flag tables. */
export function bashCompletions(program: LoadedProgram): string {
  const name = `_${program.name.replaceAll("-", "_")}`;
  return `# bash completion of ${program.name}
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W ${
    quote([...program.commands.map((command) => command.name), "--help", "--version"])
  } -- "$current"))
    return
  fi
  case "$command $previous" in
${program.commands.flatMap(flagCases).join("\n")}
  esac
  case "$command" in
${program.commands.map(commandCase).join("\n")}
  esac
}
complete -F ${name} ${program.name}
`;
}

/** One pattern for each way of giving a value, however many flags take it so. */
function flagCases(command: LoadedCommand): string[] {
  const patterns = new Map<string, string[]>();
  for (const [name, spec] of Object.entries(command.flags)) {
    const values = valuesOfFlag(spec);
    if (values === undefined) continue;
    const list = patterns.get(replyOf(values)) ?? [];
    for (const flag of [`--${kebabCase(name)}`, ...(spec.short ? [`-${spec.short}`] : [])]) {
      list.push(`"${command.name} ${flag}"`);
    }
    patterns.set(replyOf(values), list);
  }
  return [...patterns].map(([reply, list]) => `    ${list.join("|")}) ${reply}; return ;;`);
}

function commandCase(command: LoadedCommand): string {
  const reply = replyOf(valuesOfArguments(command));
  return `    ${command.name})
      case "$current" in
        -*) COMPREPLY=($(compgen -W ${quote(flagWords(command.flags))} -- "$current")) ;;
        *) ${reply} ;;
      esac ;;`;
}

function replyOf(values: Values): string {
  switch (values.kind) {
    case "words":
      return `COMPREPLY=($(compgen -W ${quote(values.words)} -- "$current"))`;
    case "file":
      return 'COMPREPLY=($(compgen -f -- "$current"))';
    case "endpoint":
      return `compopt -o nospace; COMPREPLY=($(compgen -W ${quote(ENDPOINT_STARTS)} -- "$current"))`;
    case "other":
      return ":";
  }
}

function quote(words: readonly string[]): string {
  return `"${words.join(" ")}"`;
}
