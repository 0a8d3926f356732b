import { bytesPayload, type Payload, textPayload } from "./payload.ts";

/** What must come: the next place where it does, after what earlier expectations have matched. */
export type Pattern = PatternOf & {
  /** Over WebSocket the message must be text, or binary; either by default. */
  readonly isText?: boolean | undefined;
};

type PatternOf =
  | { readonly kind: "text"; readonly text: Payload }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The flags are those of a `RegExp`; it is always matched as Unicode, and once. */
  | { readonly kind: "regex"; readonly source: string; readonly flags?: string }
  /** Nothing else comes first: these bytes are next, or the next message. */
  | { readonly kind: "exact"; readonly bytes: Uint8Array };

/** One step of an exchange. */
export type Step =
  | { readonly kind: "send"; readonly data: Payload; readonly isText: boolean }
  /** Waits. */
  | { readonly kind: "pause"; readonly forMs: number }
  /** Ends our side, where the transport lets the peer go on. */
  | { readonly kind: "end" }
  /** The pattern comes. */
  | { readonly kind: "expect"; readonly pattern: Pattern }
  /** The peer ends in order; with a code, by a WebSocket Close frame that has it. */
  | { readonly kind: "close"; readonly code?: number }
  /** The peer resets the connection. */
  | { readonly kind: "reset" }
  /** Nothing comes that no expectation has matched, and the peer stays. */
  | { readonly kind: "silence"; readonly forMs: number }
  /** Something comes: one message, or of a stream all until it is quiet for a while or ends. */
  | { readonly kind: "reply"; readonly quietMs: number };

/** The type of a WebSocket message. */
export interface MessageType {
  /**
   * Whether it is a text message; otherwise it is binary.
   *
   * @default What is sent as bytes is binary, everything else text. Either type is expected.
   */
  isText?: boolean | undefined;
}

/** Sends a text, in which `{1}` and `{name}` stand for captured groups, or bytes as they are. */
export function send(data: string | Uint8Array | Payload, { isText }: MessageType = {}): Step {
  return { kind: "send", data: payloadOf(data), isText: isText ?? !(data instanceof Uint8Array) };
}

/** Waits until a text, in which captured groups may have their place, bytes, or a match comes; its groups are captured. */
export function expect(wanted: string | Uint8Array | Payload | RegExp, { isText }: MessageType = {}): Step {
  if (wanted instanceof RegExp) {
    return { kind: "expect", pattern: { kind: "regex", source: wanted.source, flags: wanted.flags, isText } };
  }
  if (wanted instanceof Uint8Array) return { kind: "expect", pattern: { kind: "bytes", bytes: wanted, isText } };
  return { kind: "expect", pattern: { kind: "text", text: payloadOf(wanted), isText } };
}

/** The next thing that comes must be these bytes. */
export function expectExactly(bytes: Uint8Array, { isText }: MessageType = {}): Step {
  return { kind: "expect", pattern: { kind: "exact", bytes, isText } };
}

/** Waits for the peer's orderly end; with a code, for a WebSocket Close frame that has it. */
export function expectClose(code?: number): Step {
  return code === undefined ? { kind: "close" } : { kind: "close", code };
}

/** Waits for a reset by the peer. */
export function expectReset(): Step {
  return { kind: "reset" };
}

/** Nothing more comes for a time, in milliseconds, and the peer stays. */
export function expectSilence(forMs: number): Step {
  return { kind: "silence", forMs };
}

/** Waits for a reply, whatever it is: a message, or of a stream all until it is quiet for a time, in milliseconds. */
export function awaitReply(quietMs: number): Step {
  return { kind: "reply", quietMs };
}

/** Ends our side of the connection; the peer may still send. */
export function end(): Step {
  return { kind: "end" };
}

/** Waits, in milliseconds. */
export function pause(forMs: number): Step {
  return { kind: "pause", forMs };
}

function payloadOf(data: string | Uint8Array | Payload): Payload {
  if (typeof data === "string") return textPayload(data, { isLiteral: true });
  return data instanceof Uint8Array ? bytesPayload(data) : data;
}
