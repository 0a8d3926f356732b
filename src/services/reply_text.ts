import { concat, indexOfBytes, unescape, utf8 } from "../base/bytes.ts";
import { messageOf, UsageError } from "../base/errors.ts";

const PLACEHOLDER = utf8("{message}");

/** Makes the answer to a message. */
export type ReplyText = (message: Uint8Array) => Uint8Array;

/**
 * The canned answer that the flags give: a text with escapes in which
 * `{message}` stands for what came, or a file as it is.
 *
 * @throws {UsageError} Neither or both are given, or the file cannot be read.
 * @throws {SyntaxError} The text holds an unknown escape.
 */
export async function loadReplyText(
  flags: { text: string | undefined; file: string | undefined },
): Promise<ReplyText> {
  const { text, file } = flags;
  if ((text === undefined) === (file === undefined)) {
    throw new UsageError("reply needs its answer, either --text TEXT or --file FILE");
  }
  if (text !== undefined) return replyTemplate(unescape(text));
  const bytes = await readReplyFile(file ?? "");
  return () => bytes;
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

async function readReplyFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new UsageError(`Cannot read the file of --file: ${messageOf(error)}`, { cause: error });
  }
}
