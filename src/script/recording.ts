import { utf8 } from "../base/bytes.ts";
import { messageOf, UsageError } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";

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
  const lines = text.split("\n").map((line, index) => ({ line, number: index + 1 }));
  const [head, ...events] = lines.filter(({ line }) => line.trim() !== "");
  const parse = <T>({ line, number }: { line: string; number: number }, read: (value: unknown) => T): T => {
    try {
      return read(JSON.parse(line));
    } catch (cause) {
      throw new UsageError(`Cannot read the recording ${name}, line ${number}: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    head: parse(head ?? { line: "null", number: 1 }, headOf),
    events: events.map((line) => parse(line, eventOf)),
  };
}

function isSide(value: unknown): value is Side {
  return value === "client" || value === "server";
}

function headOf(value: unknown): RecordingHead {
  if (!isHead(value)) throw new SyntaxError("it is not the first line of a recording");
  return value;
}

function isHead(value: unknown): value is RecordingHead {
  if (!isRecord(value)) return false;
  return value.recording === 1 && typeof value.endpoint === "string" && typeof value.framing === "string";
}

function eventOf(value: unknown): RecordedEvent {
  if (!isRecord(value)) throw new SyntaxError("it is not an object");
  const { at, from } = value;
  const atMs = typeof at === "string" ? Date.parse(at) : NaN;
  if (Number.isNaN(atMs)) throw new SyntaxError('"at" is not a time');
  if (!isSide(from)) throw new SyntaxError('"from" is neither "client" nor "server"');
  const { type } = value;
  if (type !== undefined && type !== "text" && type !== "binary") {
    throw new SyntaxError('"type" is neither "text" nor "binary"');
  }
  const { connection } = value;
  if (connection !== undefined && !(typeof connection === "number" && Number.isSafeInteger(connection))) {
    throw new SyntaxError('"connection" is not a whole number');
  }
  const event = { atMs, from, connection } as const;
  const isText = type && type === "text";
  if (typeof value.text === "string") return { ...event, data: utf8(value.text), isText };
  if (typeof value.base64 === "string") return { ...event, data: Uint8Array.fromBase64(value.base64), isText };
  if (value.end === true) return { ...event, data: undefined };
  throw new SyntaxError('it has neither "text" nor "base64" nor "end"');
}
