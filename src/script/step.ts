import type { Payload } from "./payload.ts";

/** What must come: the next place where it does, after what earlier expectations have matched. */
export type Pattern = PatternOf & {
  /** Over WebSocket the message must be text, or binary; either by default. */
  readonly isText?: boolean | undefined;
};

type PatternOf =
  | { readonly kind: "text"; readonly text: Payload }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "regex"; readonly source: string }
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
