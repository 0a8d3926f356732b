/**
 * The errors a caller can branch on. Everything else that Parley throws is a
 * `TypeError` (wrong shape), `RangeError` (wrong value) or `SyntaxError` (text
 * that cannot be parsed).
 *
 * @module
 */

import { joinLines } from "./bytes.ts";

/** What every Parley error may carry. */
export interface ParleyErrorOptions extends ErrorOptions {
  /** The endpoint it happened on, as text, for example `tcp://127.0.0.1:8888`. */
  endpoint?: string | undefined;
}

/** The common parent: `error instanceof ParleyError` is "the network's or the user's doing, not a bug". */
export class ParleyError extends Error {
  /** `"ParleyError"`. */
  override name = "ParleyError";
  /** The endpoint it happened on, if one is known. */
  readonly endpoint: string | undefined;

  /** Makes one; `options.cause` keeps the error of the runtime. */
  constructor(message: string, options: ParleyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.endpoint = options.endpoint;
  }
}

/** The host name has no address. */
export class ResolveError extends ParleyError {
  /** `"ResolveError"`. */
  override name = "ResolveError";
}

/** One address that was tried, and what came of it. */
export interface Attempt {
  /** The address, for example `[::1]:8080`. */
  address: string;
  /** Why it failed, in a few words. */
  reason: string;
}

/** Nothing accepts connections there: refused, unreachable, or no such Unix socket. */
export class RefusedError extends ParleyError {
  /** `"RefusedError"`. */
  override name = "RefusedError";
  /** Each address tried, in order, with its own reason. */
  readonly attempts: readonly Attempt[];

  /** Creates one from the attempts that were made. */
  constructor(message: string, options: ParleyErrorOptions & { attempts?: readonly Attempt[] } = {}) {
    super(message, options);
    this.attempts = options.attempts ?? [];
  }
}

/** What was being waited for when time ran out. */
export type TimeoutPhase =
  | "resolve"
  | "connect"
  | "handshake"
  | "first byte"
  | "idle"
  | "total"
  | "write"
  | "reply"
  | "pool"
  | "drain";

/** A deadline passed; {@linkcode TimeoutError.phase} says which. */
export class TimeoutError extends ParleyError {
  /** `"TimeoutError"`. */
  override name = "TimeoutError";
  /** Which wait it was. */
  readonly phase: TimeoutPhase;
  /** How long the wait was, in milliseconds, if that is known. */
  readonly afterMs: number | undefined;

  /** Creates one for a phase. */
  constructor(
    phase: TimeoutPhase,
    message: string,
    options: ParleyErrorOptions & { afterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.phase = phase;
    this.afterMs = options.afterMs;
  }
}

/** Why TLS failed. */
export type TlsReason =
  | "untrusted"
  | "expired"
  | "name"
  | "protocol"
  | "alpn"
  | "client certificate"
  /** The peer sent an alert about our certificate. */
  | "rejected"
  | "closed"
  | "other";

/** The TLS handshake failed; {@linkcode TlsError.reason} says why. */
export class TlsError extends ParleyError {
  /** `"TlsError"`. */
  override name = "TlsError";
  /** Why. */
  readonly reason: TlsReason;

  /** Creates one for a reason. */
  constructor(reason: TlsReason, message: string, options: ParleyErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** The server answered the WebSocket handshake, but did not agree; {@linkcode UpgradeError.status} is its answer. */
export class UpgradeError extends ParleyError {
  /** `"UpgradeError"`. */
  override name = "UpgradeError";
  /** The HTTP status; `undefined` if the answer was no HTTP. */
  readonly status: number | undefined;
  /** Where a redirect leads, as the server wrote it. */
  readonly location: string | undefined;

  /** Creates one for a status. */
  constructor(
    status: number | undefined,
    message: string,
    options: ParleyErrorOptions & { location?: string | undefined } = {},
  ) {
    super(message, options);
    this.status = status;
    this.location = options.location;
  }
}

/** The peer reset the connection (RFC 9293, section 3.5.2), or had closed it before a write. */
export class ResetError extends ParleyError {
  /** `"ResetError"`. */
  override name = "ResetError";
}

/** This side has closed the connection, or its side of the stream: the caller's own doing, and never worth a retry. */
export class ClosedError extends ParleyError {
  /** `"ClosedError"`. */
  override name = "ClosedError";
}

/** The stream ended before all that was expected had come. */
export class ClosedEarlyError extends ParleyError {
  /** `"ClosedEarlyError"`. */
  override name = "ClosedEarlyError";
  /** How many bytes came. */
  readonly received: number;
  /** How many bytes were expected, if that is known. */
  readonly expected: number | undefined;

  /** Creates one from what came and what was expected, in bytes. */
  constructor(
    message: string,
    options: ParleyErrorOptions & { received?: number; expected?: number } = {},
  ) {
    super(message, options);
    this.received = options.received ?? 0;
    this.expected = options.expected;
  }
}

/** The bytes do not make a message of the agreed framing. */
export class FrameError extends ParleyError {
  /** `"FrameError"`. */
  override name = "FrameError";
}

/** A message that is longer than allowed: it is lost, and the stream may go on. */
export class MessageTooLongError extends FrameError {
  /** `"MessageTooLongError"`. */
  override name = "MessageTooLongError";
  /** Its first bytes. */
  readonly start: Uint8Array;

  /** Keeps a copy of the first bytes. */
  constructor(message: string, start: Uint8Array) {
    super(message);
    this.start = start.slice(0, 256);
  }
}

/** A limit on this side was reached: outbox, message size, connections. */
export class LimitError extends ParleyError {
  /** `"LimitError"`. */
  override name = "LimitError";
}

/** Why a socket could not be bound. */
export type BindReason = "in use" | "not permitted" | "not available";

/** The address cannot be bound: in use, not permitted, or not of this machine. */
export class BindError extends ParleyError {
  /** `"BindError"`. */
  override name = "BindError";
  /** Why. */
  readonly reason: BindReason;

  /** Creates one for a reason. */
  constructor(reason: BindReason, message: string, options: ParleyErrorOptions = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** The sandbox or the system forbids it; the message names the flag or the right that is missing. */
export class PermissionError extends ParleyError {
  /** `"PermissionError"`. */
  override name = "PermissionError";
}

/** Nothing more can be written: the disk is full, or a quota or a limit is used up. */
export class NoRoomError extends ParleyError {
  /** `"NoRoomError"`. */
  override name = "NoRoomError";
}

/** A mistake in flags, arguments or a configuration file; the message shows the right way. */
export class UsageError extends ParleyError {
  /** `"UsageError"`. */
  override name = "UsageError";
}

/** The system's code of an error, such as `ECONNRESET`, if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether the error, or what caused it, has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  return codes.includes(codeOf(error) ?? "") || hasCode(error.cause, ...codes);
}

/** What went wrong, as one line of text, whatever was thrown. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return joinLines(text, "; ");
}

/**
 * That a permission of Deno's sandbox is missing, for messages. A compiled
 * program has fixed permissions and takes no flags for them.
 *
 * @param flags As in `--allow-read=FILE`.
 */
export function missingPermission(flags: string, isCompiled: boolean = Deno.build.standalone): string {
  return isCompiled
    ? `this compiled program was built without ${flags}; run the bundle with it`
    : `run again with ${flags}`;
}
