import { Buffer } from "node:buffer";
import { utf8 } from "../base/bytes.ts";
import { messageOf, UsageError } from "../base/errors.ts";

/** The side that a line of a recording is about. */
export type Side = "client" | "server";

/** First line of a recording. */
export interface RecordingHead {
  /** Version of the format. */
  readonly recording: 1;
  /** Start time (RFC 3339). */
  readonly at: string;
  readonly endpoint: string;
  readonly framing: string;
}

/** A further line: bytes of one side, as text if they are UTF-8, or its end. */
export type RecordingLine =
  & { readonly at: string; readonly from: Side; readonly connection?: number }
  & (
    | { readonly type?: "text" | "binary"; readonly text: string }
    | { readonly type?: "text" | "binary"; readonly base64: string }
    | { readonly end: true }
  );

/** One event of a recording. */
export interface RecordedEvent {
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
  readonly from: Side;
  /** The number of the connection, if there are several. */
  readonly connection?: number | undefined;
  /** The data; `undefined` for the side's end. */
  readonly data: Uint8Array | undefined;
  /** Over WebSocket, whether the message was text. */
  readonly isText?: boolean | undefined;
}

/** A parsed recording. */
export interface Recording {
  readonly head: RecordingHead;
  readonly events: readonly RecordedEvent[];
}

/** Whether a text is in this format. */
export function isRecording(text: string): boolean {
  return /^\s*\{\s*"recording"\s*:/.test(text);
}

/**
 * Parses a recording.
 *
 * @throws {UsageError} A line is invalid; the message names it.
 */
export function parseRecording(text: string, name: string): Recording {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const values = lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw wrong(name, index, messageOf(error), error);
    }
  });
  const [head, ...rest] = values;
  if (!isHead(head)) throw wrong(name, 0, "it is not the first line of a recording");
  return { head, events: rest.map((value, index) => eventOf(value, name, index + 1)) };
}

function isSide(value: unknown): value is Side {
  return value === "client" || value === "server";
}

function isHead(value: unknown): value is RecordingHead {
  if (!isObject(value)) return false;
  return value.recording === 1 && typeof value.endpoint === "string" && typeof value.framing === "string";
}

function eventOf(value: unknown, name: string, index: number): RecordedEvent {
  if (!isObject(value)) throw wrong(name, index, "it is not an object");
  const { at, from } = value;
  const atMs = typeof at === "string" ? Date.parse(at) : NaN;
  if (Number.isNaN(atMs)) throw wrong(name, index, '"at" is not a time');
  if (!isSide(from)) throw wrong(name, index, '"from" is neither "client" nor "server"');
  const { type } = value;
  if (type !== undefined && type !== "text" && type !== "binary") {
    throw wrong(name, index, '"type" is neither "text" nor "binary"');
  }
  const { connection } = value;
  if (connection !== undefined && !(typeof connection === "number" && Number.isSafeInteger(connection))) {
    throw wrong(name, index, '"connection" is not a whole number');
  }
  const event = { atMs, from, connection } as const;
  const isText = type && type === "text";
  if (typeof value.text === "string") return { ...event, data: utf8(value.text), isText };
  if (typeof value.base64 === "string") {
    return { ...event, data: new Uint8Array(Buffer.from(value.base64, "base64")), isText };
  }
  if (value.end === true) return { ...event, data: undefined };
  throw wrong(name, index, 'it has neither "text" nor "base64" nor "end"');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function wrong(name: string, index: number, what: string, cause?: unknown): UsageError {
  return new UsageError(`Cannot read the recording ${name}, line ${index + 1}: ${what}`, { cause });
}
