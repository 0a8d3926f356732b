import { lexer, type Token, type Tokens } from "marked";
import type { FlagTable } from "../base/flag_spec.ts";
import { type Topic, TOPICS } from "../manual/topics.ts";
import type { LoadedCommand, LoadedProgram } from "./command.ts";
import { EXIT_CODES } from "./exit_codes.ts";
import { flagMeaning, flagUsage } from "./help.ts";
import { plainText, tableLines } from "./page_layout.ts";
import { VERSION, VERSION_DATE } from "./version.ts";

/** Maximum columns of a table: man indents it in 80 columns. */
const TABLE_COLUMNS = 70;

/** Renders a man page with man(7) macros, from the same tables as `--help`. */
export function manPage(program: LoadedProgram): string {
  return page(program.name, 1, program.summary, [
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
    ".SH SEE ALSO",
    ...TOPICS.map(({ name }, index) => escape(`parley-${name}(7)${index < TOPICS.length - 1 ? "," : ""}`)),
  ]);
}

/** The manual page of a topic: `man parley-TOPIC`. */
export async function topicPage({ name, summary, load }: Topic): Promise<string> {
  const tokens = lexer(await load()).filter((token) => token.type !== "heading" || token.depth !== 1);
  const first = tokens.find(({ type }) => type !== "space");
  const start = first?.type === "heading" ? [] : [".SH DESCRIPTION"];
  return page(`parley-${name}`, 7, summary, [...start, ...tokens.flatMap(blockLines)]);
}

function page(name: string, section: 1 | 7, summary: string, lines: readonly string[]): string {
  const manual = section === 1 ? "User Commands" : "Parley Manual";
  return [
    `.TH ${escape(name.toUpperCase())} ${section} "${VERSION_DATE}" "Parley ${VERSION}" "${manual}"`,
    // No justification and no hyphenation, so that commands can be copied.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${escape(name)} \\- ${escape(summary)}`,
    // A heading already starts a paragraph.
    ...lines.filter((line, index) => line !== ".PP" || !/^\.S[HS] /.test(lines[index - 1] ?? "")),
    "",
  ].join("\n");
}

function commandLines(program: string, command: LoadedCommand): string[] {
  return [
    `.SS ${escape(command.name)}`,
    `${escape(command.summary)}.`,
    ...command.examples.flatMap(({ words, does }) => [".TP", `.B ${escape(`${program} ${words}`)}`, escape(does)]),
    ...flagLines(command.flags),
    ...(command.notes?.split("\n") ?? []).filter(Boolean).flatMap((note) => [".PP", escape(note)]),
  ];
}

function flagLines(flags: FlagTable): string[] {
  return Object.entries(flags).flatMap(([name, spec]) => [
    ".TP",
    `.B ${escape(flagUsage(name, spec))}`,
    escape(flagMeaning(spec)),
  ]);
}

function blockLines(token: Token): string[] {
  switch (token.type) {
    case "heading":
      return [`.${token.depth <= 2 ? "SH" : "SS"} ${escape(plainText(token.tokens))}`];
    case "paragraph":
      return [".PP", escape(plainText(token.tokens))];
    case "code":
      return preformatted(String(token.text).split("\n"));
    case "list":
      return (token as Tokens.List).items.flatMap(itemLines);
    case "table":
      return preformatted(tableLines(token as Tokens.Table, TABLE_COLUMNS, PLAIN));
    default:
      return [];
  }
}

function itemLines({ tokens }: Tokens.ListItem): string[] {
  const lines = tokens.flatMap((token) =>
    token.type === "text" ? [escape(plainText(token.tokens))] : blockLines(token)
  );
  return [".IP \\(bu 2", ...lines];
}

function preformatted(lines: readonly string[]): string[] {
  return [".PP", ".nf", ...lines.map(escape), ".fi"];
}

const PLAIN = { good: same, bad: same, faint: same, strong: same };

function same(text: string): string {
  return text;
}

/** Escapes backslashes, hyphens and a leading dot or quote, which are special in roff. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&");
}
