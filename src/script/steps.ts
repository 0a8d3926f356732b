import { type Duration, parseDuration } from "../base/units.ts";
import { bytesPayload, type Payload, textPayload } from "./payload.ts";

/** Matches the first occurrence after the data matched by earlier expectations. */
export type Pattern = PatternOf & {
  /** Required type of a WebSocket message; either by default. */
  readonly isText?: boolean | undefined;
};

/** What an expectation matches: text, bytes, all bytes exactly, or a regular expression. */
export type PatternOf =
  | { readonly kind: "text"; readonly text: Payload }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The flags are those of a `RegExp`; it is always matched as Unicode, and once. */
  | { readonly kind: "regex"; readonly source: string; readonly flags?: string }
  /** These bytes, or this message, must come next. */
  | { readonly kind: "exact"; readonly bytes: Uint8Array };

/** One step of an exchange, for either side. */
export type Step =
  | { readonly kind: "send"; readonly data: Payload; readonly isText: boolean; readonly pieces?: Pieces | undefined }
  /** Waits. */
  | { readonly kind: "delay"; readonly forMs: number }
  /** Half-closes, if the transport supports it. */
  | { readonly kind: "end" }
  /** Closes the connection; over WebSocket with this code and reason. */
  | { readonly kind: "close"; readonly code?: number | undefined; readonly text?: string | undefined }
  /** Resets the connection. */
  | { readonly kind: "reset" }
  /** Waits for the pattern. */
  | { readonly kind: "expect"; readonly pattern: Pattern }
  /** Waits for the peer's orderly end; with a code, for a WebSocket Close frame with that code. */
  | { readonly kind: "expect-close"; readonly code?: number }
  /** Waits for the peer's reset. */
  | { readonly kind: "expect-reset" }
  /** Checks that no unmatched data is received and the peer does not close. */
  | { readonly kind: "expect-silence"; readonly forMs: number }
  /** Waits for a reply: one message, or the bytes of a stream until it is quiet, or with `undefined` until it ends. */
  | { readonly kind: "reply"; readonly quietMs: number | undefined };

/** How to send the encoded bytes of a message in parts. */
export interface Pieces {
  /** Bytes sent at a time. */
  readonly sliceBytes?: number | undefined;
  /** Wait between two slices, in milliseconds. */
  readonly everyMs?: number | undefined;
  /** Send only this many bytes. */
  readonly truncateBytes?: number | undefined;
}

/** The type of a WebSocket message. */
export interface MessageType {
  /**
   * Whether it is a text message; otherwise it is binary.
   *
   * @default What is sent as bytes is binary, everything else text. Either type is expected.
   */
  isText?: boolean | undefined;
}

/** Options of {@linkcode send}. */
export interface SendOptions extends MessageType {
  /** Send this many bytes at a time, also of an encoded message or WebSocket frame. */
  slice?: number | undefined;
  /**
   * Wait between two slices.
   *
   * @default {"1ms"}
   */
  every?: Duration | undefined;
  /** Send only this many bytes, also of an encoded message or WebSocket frame. */
  truncate?: number | undefined;
}

/** Sends a text, with placeholders `{1}` and `{name}` for captured groups, or bytes. */
export function send(
  data: string | Uint8Array | Payload,
  { isText, slice, every, truncate }: SendOptions = {},
): Step {
  const step = { kind: "send", data: payloadOf(data), isText: isText ?? !(data instanceof Uint8Array) } as const;
  if (slice === undefined && truncate === undefined) return step;
  const everyMs = every === undefined ? undefined : parseDuration(every);
  return { ...step, pieces: { sliceBytes: slice, everyMs, truncateBytes: truncate } };
}

/**
 * Waits for a text (with placeholders for captured groups), bytes, or a match of a regular expression, whose groups are
 * captured.
 */
export function expect(wanted: Wanted, type: MessageType = {}): Step {
  return { kind: "expect", pattern: patternOf(wanted, type) };
}

/** The expected text, bytes or regular expression. */
export type Wanted = string | Uint8Array | Payload | RegExp;

/** Converts it to a pattern. */
export function patternOf(wanted: Wanted, { isText }: MessageType = {}): Pattern {
  if (wanted instanceof RegExp) return { kind: "regex", source: wanted.source, flags: wanted.flags, isText };
  if (wanted instanceof Uint8Array) return { kind: "bytes", bytes: wanted, isText };
  return { kind: "text", text: payloadOf(wanted), isText };
}

/** Waits for exactly these bytes next. */
export function expectExactly(bytes: Uint8Array, { isText }: MessageType = {}): Step {
  return { kind: "expect", pattern: { kind: "exact", bytes, isText } };
}

/** Waits for the peer's orderly end; with a code, for a WebSocket Close frame with that code. */
export function expectClose(code?: number): Step {
  return code === undefined ? { kind: "expect-close" } : { kind: "expect-close", code };
}

/** Waits for a reset by the peer. */
export function expectReset(): Step {
  return { kind: "expect-reset" };
}

/** Checks that nothing is received for a time and the peer does not close. */
export function expectSilence(time: Duration): Step {
  return { kind: "expect-silence", forMs: parseDuration(time) };
}

/**
 * Waits for any reply: a message, or the bytes of a stream until it is quiet, or with `undefined` until it ends. The
 * time limit is for the reply to begin, and for the end after its last byte.
 */
export function awaitReply(quiet: Duration | undefined): Step {
  return { kind: "reply", quietMs: quiet === undefined ? undefined : parseDuration(quiet) };
}

/** Ends this side of the connection; the peer may continue to send. */
export function end(): Step {
  return { kind: "end" };
}

/** Closes the connection; over WebSocket with this code and reason. */
export function close(code?: number, text?: string): Step {
  return { kind: "close", code, text };
}

/** Closes the connection with a reset. It must have been opened with the option `canReset`. */
export function reset(): Step {
  return { kind: "reset" };
}

/** Waits. */
export function delay(time: Duration): Step {
  return { kind: "delay", forMs: parseDuration(time) };
}

function payloadOf(data: string | Uint8Array | Payload): Payload {
  if (typeof data === "string") return textPayload(data, { isLiteral: true });
  return data instanceof Uint8Array ? bytesPayload(data) : data;
}
