import { type Duration, parseDuration } from "../base/units.ts";
import { bytesPayload, type Payload, textPayload } from "./payload.ts";

/** What must come: the next place where it does, after what earlier expectations have matched. */
export type Pattern = PatternOf & {
  /** Over WebSocket the message must be text, or binary; either by default. */
  readonly isText?: boolean | undefined;
};

/** What an expectation matches: text, bytes, all bytes exactly, or a regular expression. */
export type PatternOf =
  | { readonly kind: "text"; readonly text: Payload }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The flags are those of a `RegExp`; it is always matched as Unicode, and once. */
  | { readonly kind: "regex"; readonly source: string; readonly flags?: string }
  /** Nothing else comes first: these bytes are next, or the next message. */
  | { readonly kind: "exact"; readonly bytes: Uint8Array };

/** One step of an exchange, on either side of it. */
export type Step =
  | { readonly kind: "send"; readonly data: Payload; readonly isText: boolean; readonly pieces?: Pieces | undefined }
  /** Waits. */
  | { readonly kind: "delay"; readonly forMs: number }
  /** Ends our side, where the transport lets the peer go on. */
  | { readonly kind: "end" }
  /** Closes the connection in order; over WebSocket with this code and text. */
  | { readonly kind: "close"; readonly code?: number | undefined; readonly text?: string | undefined }
  /** Resets the connection. */
  | { readonly kind: "reset" }
  /** The pattern comes. */
  | { readonly kind: "expect"; readonly pattern: Pattern }
  /** The peer ends in order; with a code, by a WebSocket Close frame that has it. */
  | { readonly kind: "expect-close"; readonly code?: number }
  /** The peer resets the connection. */
  | { readonly kind: "expect-reset" }
  /** Nothing comes that no expectation has matched, and the peer stays. */
  | { readonly kind: "expect-silence"; readonly forMs: number }
  /** Something comes: one message, or of a stream all until it is quiet for a while or ends. */
  | { readonly kind: "reply"; readonly quietMs: number };

/** How the bytes of a message, framing included, are sent when not at once. */
export interface Pieces {
  /** Bytes sent at a time. */
  readonly sliceBytes?: number | undefined;
  /** Wait between two slices, in milliseconds. */
  readonly everyMs?: number | undefined;
  /** Only so many bytes of it are sent. */
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
  /** Send so many bytes at a time, of a framed message or a WebSocket frame too. */
  slice?: number | undefined;
  /**
   * Wait between two slices.
   *
   * @default {"1ms"}
   */
  every?: Duration | undefined;
  /** Send only the first bytes, of a framed message or a WebSocket frame too. */
  truncate?: number | undefined;
}

/** Sends a text, in which `{1}` and `{name}` stand for captured groups, or bytes as they are. */
export function send(
  data: string | Uint8Array | Payload,
  { isText, slice, every, truncate }: SendOptions = {},
): Step {
  const step = { kind: "send", data: payloadOf(data), isText: isText ?? !(data instanceof Uint8Array) } as const;
  if (slice === undefined && truncate === undefined) return step;
  const everyMs = every === undefined ? undefined : parseDuration(every);
  return { ...step, pieces: { sliceBytes: slice, everyMs, truncateBytes: truncate } };
}

/** Waits until a text, in which captured groups may have their place, bytes, or a match comes; its groups are captured. */
export function expect(wanted: Wanted, type: MessageType = {}): Step {
  return { kind: "expect", pattern: patternOf(wanted, type) };
}

/** What is looked for: a text, in which captured groups may have their place, bytes, or a match. */
export type Wanted = string | Uint8Array | Payload | RegExp;

/** The pattern that looks for it. */
export function patternOf(wanted: Wanted, { isText }: MessageType = {}): Pattern {
  if (wanted instanceof RegExp) return { kind: "regex", source: wanted.source, flags: wanted.flags, isText };
  if (wanted instanceof Uint8Array) return { kind: "bytes", bytes: wanted, isText };
  return { kind: "text", text: payloadOf(wanted), isText };
}

/** The next thing that comes must be these bytes. */
export function expectExactly(bytes: Uint8Array, { isText }: MessageType = {}): Step {
  return { kind: "expect", pattern: { kind: "exact", bytes, isText } };
}

/** Waits for the peer's orderly end; with a code, for a WebSocket Close frame that has it. */
export function expectClose(code?: number): Step {
  return code === undefined ? { kind: "expect-close" } : { kind: "expect-close", code };
}

/** Waits for a reset by the peer. */
export function expectReset(): Step {
  return { kind: "expect-reset" };
}

/** Nothing more comes for a time, and the peer stays. */
export function expectSilence(time: Duration): Step {
  return { kind: "expect-silence", forMs: parseDuration(time) };
}

/** Waits for a reply, whatever it is: a message, or of a stream all until it is quiet for a time. */
export function awaitReply(quiet: Duration): Step {
  return { kind: "reply", quietMs: parseDuration(quiet) };
}

/** Ends our side of the connection; the peer may still send. */
export function end(): Step {
  return { kind: "end" };
}

/** Closes the connection in order. Over WebSocket the Close frame has the code and the text. */
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
