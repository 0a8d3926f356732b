import { parseJson } from "../base/json.ts";
import { ChatError } from "./chat_error.ts";
import { decodeText } from "./clean_text.ts";
import type { EventFormat } from "./event_format.ts";

/** A client's message, decoded and parsed once: its type decides whether it counts towards the rate. */
export interface Input {
  readonly data: Uint8Array;
  /** `undefined` if it is not UTF-8. */
  readonly text: string | undefined;
  /** The value of a message of the JSON format; `undefined` if it is invalid. */
  readonly json: unknown;
}

/** Reads a message of a format. */
export function readInput(data: Uint8Array, { name }: Pick<EventFormat, "name">): Input {
  const text = decodeText(data);
  return { data, text, json: name === "json" && text !== undefined ? parseJson(text) : undefined };
}

/**
 * The text of a message; `undefined` if it is not UTF-8.
 *
 * @throws {ChatError} It contains NUL.
 */
export function textOf({ data, text }: Input): string | undefined {
  // Searching a string is faster than searching bytes.
  if (text?.includes("\0") ?? data.includes(0)) {
    throw new ChatError("not-text", "The message is not text: it contains NUL");
  }
  return text;
}
