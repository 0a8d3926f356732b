import { concat, indexOfBytes, unescape, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { readNamedBytes } from "../base/read_named_file.ts";

const PLACEHOLDER = utf8("{message}");
const LF = 0x0a;
const CR = 0x0d;

/** Makes the answer to a message. */
export type ReplyText = (message: Uint8Array) => Uint8Array;

/**
 * The canned answer that the flags give: a text with escapes in which
 * `{message}` stands for what came, or a file as it is. As a line it loses the
 * line end that it may have: the framing adds one.
 *
 * @throws {UsageError} Neither or both are given, the file cannot be read, or it is to be a line and holds several.
 * @throws {SyntaxError} The text holds an unknown escape.
 */
export async function loadReplyText(
  flags: { text: string | undefined; file: string | undefined },
  { isLine = false }: { isLine?: boolean } = {},
): Promise<ReplyText> {
  const { text, file } = flags;
  if ((text === undefined) === (file === undefined)) {
    throw new UsageError("reply needs its answer, either --text TEXT or --file FILE");
  }
  const shape = isLine ? oneLine : (bytes: Uint8Array) => bytes;
  if (text !== undefined) return replyTemplate(shape(unescape(text)));
  const bytes = shape(await readNamedBytes(file ?? "", "the reply of --file"));
  return () => bytes;
}

function oneLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) !== LF ? bytes.length : bytes.at(-2) === CR ? bytes.length - 2 : bytes.length - 1;
  const line = bytes.subarray(0, end);
  if (!line.includes(LF)) return line;
  throw new UsageError("Cannot give an answer of several lines with --framing line; take --framing raw");
}

/** Bytes in which each `{message}` stands for the message. */
export function replyTemplate(template: Uint8Array): ReplyText {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = indexOfBytes(template, PLACEHOLDER); at !== -1; at = indexOfBytes(template, PLACEHOLDER, from)) {
    parts.push(template.subarray(from, at));
    from = at + PLACEHOLDER.length;
  }
  if (parts.length === 0) return () => template;
  const last = template.subarray(from);
  return (message) => concat([...parts.flatMap((part) => [part, message]), last]);
}
