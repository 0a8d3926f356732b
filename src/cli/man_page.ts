import type { FlagSpec, FlagTable } from "../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "./command.ts";
import { EXIT_CODES } from "./exit_codes.ts";
import { flagUsage } from "./help.ts";
import { VERSION, VERSION_DATE } from "./version.ts";

/** A manual page in the man(7) macros of roff, from the same tables as `--help`. */
export function manPage(program: LoadedProgram): string {
  const lines = [
    `.TH ${program.name.toUpperCase()} 1 "${VERSION_DATE}" "Parley ${VERSION}" "User Commands"`,
    // Ragged right and no hyphenation: what is to be typed stays as it is.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${escape(program.name)} \\- ${escape(program.summary)}`,
    ".SH SYNOPSIS",
    ...program.commands.flatMap(({ name, usage }, index) => [
      ...(index === 0 ? [] : [".br"]),
      `.B ${escape(`${program.name} ${name}`)}`,
      escape(`${usage} [flags]`.trim()),
    ]),
    ".SH COMMANDS",
    ...program.commands.flatMap((command) => commandLines(program.name, command)),
    ".SH EXIT STATUS",
    ...Object.entries(EXIT_CODES).flatMap(([code, meaning]) => [".TP", code, escape(meaning)]),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(program: string, command: LoadedCommand): string[] {
  return [
    `.SS ${escape(command.name)}`,
    `${escape(command.summary)}.`,
    ...command.examples.flatMap(({ words, does }) => [".TP", `.B ${escape(`${program} ${words}`)}`, escape(does)]),
    ...flagLines(command.flags),
    ...(command.notes?.split("\n") ?? []).flatMap((note) => [".PP", escape(note)]),
  ];
}

function flagLines(flags: FlagTable): string[] {
  return Object.entries(flags).flatMap(([name, spec]) => [
    ".TP",
    `.B ${escape(flagUsage(name, spec))}`,
    escape(`${spec.help}${defaultOf(spec)}${spec.repeat ? " (may be repeated)" : ""}`),
  ]);
}

function defaultOf(spec: FlagSpec): string {
  return spec.type === "boolean" || spec.default === undefined ? "" : ` (default ${spec.default})`;
}

/** A backslash, a hyphen and a leading dot or quote mean something to roff. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&");
}
