import { kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";
import { CommandValues, flagWords, type Values } from "./words.ts";

/** A completion script for bash 3.2 and later, from the program's flag tables. */
export function bashCompletions(program: LoadedProgram): string {
  const name = `_${program.name.replaceAll("-", "_")}`;
  const commands = program.commands.map((command) => ({ command, values: new CommandValues(program, command) }));
  return `# bash completion of ${program.name}
${name}() {
  # Bash splits words at : and =; what no blank separates is one word here.
  local -a words=()
  local rest=$COMP_LINE last=-1 index word
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((last >= 0)) && [[ $rest != [[:blank:]]* && ( $word == [:=]* || \${words[last]} == *[:=] ) ]]; then
      words[last]+=$word
    else
      words[++last]=$word
      rest=\${rest#"\${rest%%[![:blank:]]*}"}
    fi
    rest=\${rest#"$word"}
  done
  local command=\${words[1]} current=\${words[last]} previous=\${words[last-1]}
  COMPREPLY=()
  if ((last == 1)); then
    ${name}_words ${quote([...commands.map(({ command }) => command.name), "--help", "--version"])}
    return
  fi
  if [[ $current == --*=* ]]; then
    previous=\${current%%=*} current=\${current#*=}
  fi
  case "$command $previous" in
${commands.flatMap(({ command, values }) => flagCases(name, command, values)).join("\n")}
  esac
  case "$command" in
${commands.map(({ command, values }) => commandCase(name, command, values)).join("\n")}
  esac
}
# Words that begin with what is typed.
${name}_words() {
  COMPREPLY=($(compgen -W "$1" -- "$current"))
  ${name}_colons
}
# Beginnings of endpoints: the rest is typed without a blank.
${name}_starts() {
  compopt -o nospace 2>/dev/null
  ${name}_words "$1"
}
# Files and folders, whatever their names hold.
${name}_files() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -f -- "$current")
  ${name}_colons
}
# Where bash splits at a colon, it replaces only what follows the last one.
${name}_colons() {
  local index
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] || return 0
  for index in "\${!COMPREPLY[@]}"; do COMPREPLY[index]=\${COMPREPLY[index]#"\${current%:*}:"}; done
}
# How many arguments stand before the current word; \$1 are the flags that take a value.
${name}_position() {
  local index
  position=0
  for ((index = 2; index < last; index++)); do
    case \${words[index]} in
      --*=*) ;;
      -?*) [[ $1 != *" \${words[index]} "* ]] || ((index++)) ;;
      *) ((position++)) ;;
    esac
  done
}
complete -F ${name} ${program.name}
`;
}

/** One pattern per kind of value, shared by all flags with that kind. */
function flagCases(name: string, command: LoadedCommand, values: CommandValues): string[] {
  const patterns = new Map<string, string[]>();
  for (const [flag, spec] of Object.entries(command.flags)) {
    const taken = values.ofFlag(spec);
    if (taken === undefined) continue;
    const reply = replyOf(name, taken);
    const spellings = [`--${kebabCase(flag)}`, ...(spec.short ? [`-${spec.short}`] : [])];
    patterns.set(reply, [...patterns.get(reply) ?? [], ...spellings.map((each) => `"${command.name} ${each}"`)]);
  }
  return [...patterns].map(([reply, list]) => `    ${list.join("|")}) ${reply}; return ;;`);
}

function commandCase(name: string, command: LoadedCommand, values: CommandValues): string {
  const replies = values.ofArguments().map((each) => replyOf(name, each));
  const [only = ":"] = replies;
  return `    ${command.name})
      if [[ $current == -* ]]; then
        ${name}_words ${quote(flagWords(command.flags))}
      else
        ${replies.length === 1 ? only : positions(name, command, values, replies)}
      fi ;;`;
}

function positions(name: string, command: LoadedCommand, values: CommandValues, replies: readonly string[]): string {
  const valued = Object.entries(command.flags).filter(([, spec]) => values.ofFlag(spec) !== undefined);
  const flags = valued.flatMap(([flag, { short }]) => [`--${kebabCase(flag)}`, ...(short ? [`-${short}`] : [])]);
  const cases = replies.map((reply, index) => `${index === replies.length - 1 ? "*" : index}) ${reply} ;;`);
  return `local position; ${name}_position " ${flags.join(" ")} "; case $position in ${cases.join(" ")} esac`;
}

function replyOf(name: string, values: Values): string {
  switch (values.kind) {
    case "words":
      return `${name}_words ${quote(values.words)}`;
    case "starts":
      return `${name}_starts ${quote(values.starts)}`;
    case "file":
      return `${name}_files`;
    case "other":
      return ":";
  }
}

function quote(words: readonly string[]): string {
  return `"${words.join(" ")}"`;
}
