/**
 * Renders manual pages for a terminal.
 *
 * @module
 */

import { lexer, type Token, type Tokens } from "marked";
import type { ProgramIo } from "./io.ts";
import { type Style, styleOf } from "./style.ts";
import { padCells, textWidth, wrapWords } from "./text_width.ts";

/** Longer lines are hard to read, even on a wide terminal. */
const MAX_COLUMNS = 100;

/** Renders Markdown for the terminal, or in 80 columns for a pipe. */
export function layOutPage(markdown: string, io: ProgramIo): string {
  const columns = Math.min(io.stdout.columns, MAX_COLUMNS);
  return `${layOutBlocks(lexer(markdown), columns, styleOf(io)).join("\n")}\n`;
}

/** Renders blocks separated by empty lines. */
function layOutBlocks(tokens: readonly Token[], columns: number, style: Style): string[] {
  const blocks = tokens.map((token) => blockLines(token, columns, style)).filter((lines) => lines.length > 0);
  return blocks.flatMap((lines, index) => index === 0 ? lines : ["", ...lines]);
}

function blockLines(token: Token, columns: number, style: Style): string[] {
  switch (token.type) {
    case "heading":
      return [style.strong(plainText(token.tokens))];
    case "paragraph":
    case "text":
      return wrapWords(plainText(token.tokens ?? [token]), columns);
    case "code":
      return String(token.text).split("\n").map((line) => line === "" ? "" : `    ${line}`);
    case "list":
      return (token as Tokens.List).items.flatMap((item, index) =>
        itemLines(item, token as Tokens.List, index, columns, style)
      );
    case "table":
      return tableLines(token as Tokens.Table, columns, style);
    case "blockquote":
      return layOutBlocks(token.tokens ?? [], columns - 2, style).map((line) => `  ${line}`);
    default:
      return [];
  }
}

function itemLines(item: Tokens.ListItem, list: Tokens.List, index: number, columns: number, style: Style): string[] {
  const mark = list.ordered ? `${Number(list.start || 1) + index}. ` : "- ";
  const lines = item.tokens.flatMap((token) => blockLines(token, columns - mark.length, style));
  return lines.map((line, at) => (at === 0 ? mark : " ".repeat(mark.length)) + line);
}

/** Inline text without markup; external links include their address. */
export function plainText(tokens: readonly Token[] = []): string {
  return tokens.map(inlineText).join("").replaceAll(/\s+/g, " ").trim();
}

function inlineText(token: Token): string {
  if (token.type === "br") return " ";
  if (token.type === "html" || token.type === "image") return "";
  if (token.type === "link" && /^https?:/.test(token.href) && token.href !== token.text) {
    return `${inlineOf(token)} <${token.href}>`;
  }
  return inlineOf(token);
}

function inlineOf(token: Token): string {
  if (!("tokens" in token) || token.tokens === undefined) return "text" in token ? token.text : token.raw;
  return token.tokens.map(inlineText).join("");
}

const GAP = 2;

/** Renders a table; if it is too wide, the widest columns are wrapped. */
export function tableLines({ header, rows }: Tokens.Table, columns: number, style: Style): string[] {
  const cells = [header, ...rows].map((row) => row.map(({ tokens }) => plainText(tokens)));
  const widths = fitWidths(
    header.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column] ?? "")))),
    columns - GAP * (header.length - 1),
  );
  const hasHeader = cells[0]?.some((text) => text !== "") ?? false;
  return cells.flatMap((row, index) => {
    if (index === 0 && !hasHeader) return [];
    const wrapped = row.map((text, column) => wrapWords(text, widths[column] ?? 1));
    const height = Math.max(1, ...wrapped.map(({ length }) => length));
    return Array.from({ length: height }, (_, at) => {
      const line = wrapped.map((lines, column) => padCells(lines[at] ?? "", widths[column] ?? 0)).join(" ".repeat(GAP));
      return index === 0 ? style.strong(line.trimEnd()) : line.trimEnd();
    });
  });
}

/** Narrows the widest columns until all fit, down to a minimum width. */
function fitWidths(natural: readonly number[], available: number): number[] {
  const MIN = 12;
  const widths = [...natural];
  for (let total = widths.reduce((sum, each) => sum + each, 0); total > available; total--) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= MIN) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
