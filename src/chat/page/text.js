/**
 * Text processing for display. Pure.
 *
 * @module
 */

/** @import { Piece } from "./types.ts" */

/** Characters of names, except a leading `@`. */
const NAME_CHARACTER = /[\p{L}\p{M}\p{N}_\-[\]{}|]/u;
const FENCE = "```";
const SCHEME = /\bhttps?:\/\//g;
/** White space, quotes, and bidirectional formatting characters end a link. */
const LINK_END = /[\s<>"'`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|$/g;
const CLOSING_BRACKETS = new Map([[")", "("], ["]", "["], ["}", "{"]]);

/**
 * Splits a text into plain parts, code, links, and mentions of the user's name. Takes linear time for any text.
 *
 * @param {string} text
 * @param {string} nick
 * @returns {Piece[]}
 */
export function piecesOf(text, nick) {
  /** @type {Piece[]} */
  const pieces = [];
  const name = patternOf(nick);
  let from = 0;
  for (const { start, end, piece } of codeIn(text)) {
    const isBlock = piece.kind === "block";
    // A block is on its own lines, so the line ends around it would show as empty lines.
    const isAfterLineEnd = isBlock && start > from && text[start - 1] === "\n";
    pieces.push(...piecesOutsideCode(text.slice(from, isAfterLineEnd ? start - 1 : start), name), piece);
    from = isBlock && text[end] === "\n" ? end + 1 : end;
  }
  return [...pieces, ...piecesOutsideCode(text.slice(from), name)];
}

/**
 * Finds fenced code blocks and inline code, as in Markdown; they contain no links or mentions.
 *
 * @param {string} text
 * @returns {Generator<{ start: number, end: number, piece: Piece }>}
 */
function* codeIn(text) {
  let hasFences = true;
  for (let start = text.indexOf("`"); start !== -1;) {
    const afterRun = skipBackticks(text, start);
    /** @type {{ end: number, piece: Piece } | undefined} */
    let found;
    if (afterRun - start >= FENCE.length && hasFences) {
      found = blockAt(text, start);
      // No closing fence follows, so later opening fences have none either.
      hasFences = found !== undefined;
    } else if (afterRun - start === 1) found = inlineCodeAt(text, start);
    if (found) yield { start, ...found };
    start = text.indexOf("`", found?.end ?? afterRun);
  }
}

/**
 * @param {string} text
 * @param {number} start
 */
function skipBackticks(text, start) {
  let end = start;
  while (text[end] === "`") end++;
  return end;
}

/**
 * @param {string} text
 * @param {number} start Of the opening fence.
 * @returns {{ end: number, piece: Piece } | undefined}
 */
function blockAt(text, start) {
  const inside = start + FENCE.length;
  const visible = /[^\s`]/g;
  visible.lastIndex = inside;
  const first = visible.exec(text)?.index;
  const close = first === undefined ? -1 : text.indexOf(FENCE, first + 1);
  if (close === -1) return undefined;
  const content = text.slice(inside, close).replace(/\n$/, "");
  const code = content.replace(/^[\w+-]*\n/, "");
  return { end: close + FENCE.length, piece: { kind: "block", text: code.trim() === "" ? content : code } };
}

/**
 * @param {string} text
 * @param {number} start Of a single backtick.
 * @returns {{ end: number, piece: Piece } | undefined}
 */
function inlineCodeAt(text, start) {
  const close = text.indexOf("`", start + 1);
  if (close === -1 || text[close + 1] === "`") return undefined;
  const code = text.slice(start + 1, close);
  return code.includes("\n") ? undefined : { end: close + 1, piece: { kind: "code", text: code } };
}

/**
 * @param {string} text
 * @param {RegExp | undefined} name
 */
function piecesOutsideCode(text, name) {
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  SCHEME.lastIndex = 0;
  for (let match = SCHEME.exec(text); match !== null; match = SCHEME.exec(text)) {
    LINK_END.lastIndex = SCHEME.lastIndex;
    const run = text.slice(match.index, LINK_END.exec(text)?.index);
    SCHEME.lastIndex = match.index + run.length;
    const link = withoutTrailingPunctuation(run);
    if (link.length <= match[0].length) continue;
    pieces.push(...mentionsIn(text.slice(from, match.index), name), { kind: "link", text: link });
    from = match.index + link.length;
  }
  return [...pieces, ...mentionsIn(text.slice(from), name)];
}

/**
 * Trims punctuation and unbalanced closing brackets from a link.
 *
 * @param {string} link
 */
function withoutTrailingPunctuation(link) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const char of link) counts.set(char, (counts.get(char) ?? 0) + 1);
  let end = link.length;
  for (; end > 0; end--) {
    const last = link[end - 1] ?? "";
    const opening = CLOSING_BRACKETS.get(last);
    if (opening === undefined) {
      if (!".,;:!?".includes(last)) break;
      continue;
    }
    const closing = counts.get(last) ?? 0;
    if (closing <= (counts.get(opening) ?? 0)) break;
    counts.set(last, closing - 1);
  }
  return link.slice(0, end);
}

/**
 * Whether the text mentions the person.
 *
 * @param {string} text
 * @param {string} nick
 */
export function mentions(text, nick) {
  return piecesOf(text, nick).some(({ kind }) => kind === "mention");
}

/**
 * A pattern for a name as a whole word; `undefined` without a name.
 *
 * @param {string} nick
 */
function patternOf(nick) {
  if (nick === "") return undefined;
  const escaped = nick.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`(?<!${NAME_CHARACTER.source})@?${escaped}(?!${NAME_CHARACTER.source})`, "giu");
}

/**
 * @param {string} text
 * @param {RegExp | undefined} name
 * @returns {Piece[]}
 */
function mentionsIn(text, name) {
  if (text === "") return [];
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  for (const match of name === undefined ? [] : text.matchAll(name)) {
    if (match.index > from) pieces.push({ kind: "text", text: text.slice(from, match.index) });
    pieces.push({ kind: "mention", text: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ kind: "text", text: text.slice(from) });
  return pieces;
}

/**
 * The color of a name, one of the style sheet's tints.
 *
 * @param {string} nick
 */
export function tintOf(nick) {
  // FNV-1a with its high bits folded in; otherwise names of equal length would share a tint.
  let hash = 0x811c9dc5;
  for (const char of nick.toLowerCase()) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash ^ hash >>> 15) >>> 5 & 7;
}

/**
 * Initials of a name.
 *
 * @param {string} nick
 */
export function initialsOf(nick) {
  const [first = nick, second = ""] = nick.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return [first, second].map((word) => [...word][0] ?? "").join("").toUpperCase();
}

/**
 * `Today`, `Yesterday`, or the date.
 *
 * @param {string} at RFC 3339.
 */
export function dayOf(at, now = new Date()) {
  const day = new Date(at);
  const days = Math.round((midnightMs(now) - midnightMs(day)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** @param {Date} date */
function midnightMs(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/**
 * Hours and minutes.
 *
 * @param {string} at RFC 3339.
 */
export function timeOf(at) {
  return new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Compares names, `guest2` before `guest10`. It is made once, because `localeCompare()` would make one for each call. */
export const compareNames = new Intl.Collator(undefined, { numeric: true }).compare;

/**
 * `1 person`, `2 people`.
 *
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

/**
 * Start of the name that ends at `end`; `end` if there is none.
 *
 * @param {string} text
 * @param {number} end
 */
export function startOfName(text, end) {
  let start = end;
  for (const char of Array.from(text.slice(0, end)).reverse()) {
    if (!NAME_CHARACTER.test(char)) break;
    start -= char.length;
  }
  return start;
}
