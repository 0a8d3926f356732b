import { FrameError } from "../base/errors.ts";
import type { CloseReason } from "../net/close_reason.ts";

/** WebSocket close codes (RFC 6455, section 7.4.1). */
export const CLOSE_CODE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  /** Never sent; stands for a Close frame without a code. */
  none: 1005,
  invalidData: 1007,
  policy: 1008,
  tooBig: 1009,
  internalError: 1011,
} as const;

/** Code and reason of a Close frame. */
export interface CloseFrame {
  /** 1000 or greater; 1005 if the frame had none. */
  readonly code: number;
  /** Human-readable reason; often empty. */
  readonly text: string;
}

/** The peer violated the WebSocket protocol; close with {@linkcode WebSocketError.code}. */
export class WebSocketError extends FrameError {
  override name = "WebSocketError";
  /** For the Close frame. */
  readonly code: number;

  /** The rule, for the Close frame. */
  readonly rule: string;

  /** Converts an error of the receiver, whose `code` names the rule; the message of a client names the `endpoint`. */
  constructor(cause: Error & { readonly code: string }, endpoint?: string) {
    const rule = cause.message.replace(/^Invalid WebSocket frame: /, "");
    super(endpoint === undefined ? rule : `Cannot read from ${endpoint}: ${rule}`, { cause, endpoint });
    this.rule = rule;
    this.code = CODES[cause.code] ?? CLOSE_CODE.protocolError;
  }
}

const CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CLOSE_CODE.invalidData,
  WS_ERR_INVALID_DEFLATE: CLOSE_CODE.invalidData,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CLOSE_CODE.tooBig,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODE.tooBig,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CLOSE_CODE.policy,
};

/** The close code for a close reason. */
export function closeCodeOf(reason: CloseReason): number {
  switch (reason) {
    case "done":
    case "peer closed":
      return CLOSE_CODE.normal;
    case "drain":
    case "aborted":
      return CLOSE_CODE.goingAway;
    case "error":
      return CLOSE_CODE.internalError;
    default:
      return CLOSE_CODE.policy;
  }
}
