/**
 * What is done with texts before they are shown. Pure.
 *
 * @module
 */

/** @import { Piece } from "./types.ts" */

/** Lines of code, and code within a line, as in Markdown; what is in them is neither link nor name. */
const CODE = /```(?:[\w+-]*\n)?([\s\S]*?[^\s`][\s\S]*?)\n?```|(?<!`)`([^`\n]+)`(?!`)/g;
const LINK = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/g;

/**
 * A text in pieces: what is plain, code, a link, or the reader's name.
 *
 * @param {string} text
 * @param {string} nick
 * @returns {Piece[]}
 */
export function piecesOf(text, nick) {
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(CODE)) {
    const [whole, block, code = ""] = match;
    const before = text.slice(from, match.index);
    from = match.index + whole.length;
    // A block stands on lines of its own: the line ends around it are not to be seen as well.
    pieces.push(...piecesOutsideCode(block === undefined ? before : before.replace(/\n$/, ""), nick));
    pieces.push(block === undefined ? { kind: "code", text: code } : { kind: "block", text: block });
    if (block !== undefined && text[from] === "\n") from++;
  }
  return [...pieces, ...piecesOutsideCode(text.slice(from), nick)];
}

/**
 * @param {string} text
 * @param {string} nick
 */
function piecesOutsideCode(text, nick) {
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    pieces.push(...mentionsIn(text.slice(from, match.index), nick), { kind: "link", text: match[0] });
    from = match.index + match[0].length;
  }
  return [...pieces, ...mentionsIn(text.slice(from), nick)];
}

/**
 * Whether the text names the person.
 *
 * @param {string} text
 * @param {string} nick
 */
export function mentions(text, nick) {
  return piecesOf(text, nick).some(({ kind }) => kind === "mention");
}

/**
 * @param {string} text
 * @param {string} nick
 * @returns {Piece[]}
 */
function mentionsIn(text, nick) {
  if (text === "") return [];
  if (nick === "") return [{ kind: "text", text }];
  const escaped = nick.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const pattern = new RegExp(`(?<![\\w\\-[\\]{}|])@?${escaped}(?![\\w\\-[\\]{}|])`, "gi");
  /** @type {Piece[]} */
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) pieces.push({ kind: "text", text: text.slice(from, match.index) });
    pieces.push({ kind: "mention", text: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ kind: "text", text: text.slice(from) });
  return pieces;
}

/**
 * One of the tints of the style sheet for a name: always the same.
 *
 * @param {string} nick
 */
export function tintOf(nick) {
  // FNV-1a, with its high bits folded in: names of one length would share a tint otherwise.
  let hash = 0x811c9dc5;
  for (const char of nick.toLowerCase()) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash ^ hash >>> 15) >>> 5 & 7;
}

/**
 * One or two letters that stand for a name.
 *
 * @param {string} nick
 */
export function initialsOf(nick) {
  const [first = nick, second = ""] = nick.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return `${first.slice(0, 1)}${second.slice(0, 1)}`.toUpperCase();
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
