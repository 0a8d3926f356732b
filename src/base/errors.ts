/**
 * The error classes that a caller can branch on. All other errors that Parley throws are a `TypeError` (wrong shape),
 * `RangeError` (wrong value) or `SyntaxError` (text that cannot be parsed).
 *
 * @module
 */

import { joinLines } from "./bytes.ts";

/** Options of {@linkcode ParleyError}. */
export interface ParleyErrorOptions extends ErrorOptions {
  /** The endpoint it happened on, as text, for example `tcp://127.0.0.1:8888`. */
  endpoint?: string | undefined;
}

/** Base class of Parley's errors: caused by the network, the system or the user, never by a bug. */
export class ParleyError extends Error {
  /** `"ParleyError"`. */
  override name = "ParleyError";
  /** The endpoint it happened on, if one is known. */
  readonly endpoint: string | undefined;

  /** Creates an error; `options.cause` is the runtime's error. */
  constructor(message: string, options: ParleyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.endpoint = options.endpoint;
  }
}

/** The host name could not be resolved. */
export class ResolveError extends ParleyError {
  /** `"ResolveError"`. */
  override name = "ResolveError";
}

/** One failed attempt to connect to an address. */
export interface Attempt {
  /** The address, for example `[::1]:8080`. */
  address: string;
  /** The reason, for example `connection refused`. */
  reason: string;
}

/** The connection was refused, the host is unreachable, or the Unix socket does not exist. */
export class RefusedError extends ParleyError {
  /** `"RefusedError"`. */
  override name = "RefusedError";
  /** The failed attempts, in order. */
  readonly attempts: readonly Attempt[];

  /** Creates an error from the failed attempts. */
  constructor(message: string, options: ParleyErrorOptions & { attempts?: readonly Attempt[] } = {}) {
    super(message, options);
    this.attempts = options.attempts ?? [];
  }
}

/** The operation that timed out. */
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

/** A deadline passed; {@linkcode TimeoutError.phase} names it. */
export class TimeoutError extends ParleyError {
  /** `"TimeoutError"`. */
  override name = "TimeoutError";
  /** The operation that timed out. */
  readonly phase: TimeoutPhase;
  /** The time limit in milliseconds, if known. */
  readonly afterMs: number | undefined;

  /** Creates an error for a phase. */
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

/** The TLS handshake failed; see {@linkcode TlsError.reason}. */
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

/** The server rejected the WebSocket handshake; see {@linkcode UpgradeError.status}. */
export class UpgradeError extends ParleyError {
  /** `"UpgradeError"`. */
  override name = "UpgradeError";
  /** The HTTP status; `undefined` if the response was not HTTP. */
  readonly status: number | undefined;
  /** Target of a redirect, exactly as the server sent it. */
  readonly location: string | undefined;

  /** Creates an error for a status. */
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

/** This side has closed the connection or ended its side of the stream; a retry cannot help. */
export class ClosedError extends ParleyError {
  /** `"ClosedError"`. */
  override name = "ClosedError";
}

/** The stream ended before all expected bytes were received. */
export class ClosedEarlyError extends ParleyError {
  /** `"ClosedEarlyError"`. */
  override name = "ClosedEarlyError";
  /** Bytes received. */
  readonly received: number;
  /** Bytes expected, if known. */
  readonly expected: number | undefined;

  /** Creates an error from the numbers of bytes received and expected. */
  constructor(
    message: string,
    options: ParleyErrorOptions & { received?: number; expected?: number } = {},
  ) {
    super(message, options);
    this.received = options.received ?? 0;
    this.expected = options.expected;
  }
}

/** The bytes are not a valid message in this framing. */
export class FrameError extends ParleyError {
  /** `"FrameError"`. */
  override name = "FrameError";
}

/** A message exceeds the maximum length; it is dropped, and the stream can continue. */
export class MessageTooLongError extends FrameError {
  /** `"MessageTooLongError"`. */
  override name = "MessageTooLongError";
  /** The first bytes of the message. */
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

/** The address cannot be bound: already in use, not permitted, or not an address of this machine. */
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

/** The system is out of resources: the disk is full, a quota or a limit was reached, or memory is short. */
export class OutOfResourcesError extends ParleyError {
  /** `"OutOfResourcesError"`. */
  override name = "OutOfResourcesError";
}

/** A mistake in flags, arguments or a configuration file; the message says how to fix it. */
export class UsageError extends ParleyError {
  /** `"UsageError"`. */
  override name = "UsageError";
}

/** The system error code, such as `ECONNRESET`, if there is one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether the error or one of its causes has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  return codes.includes(codeOf(error) ?? "") || hasCode(error.cause, ...codes);
}

/** A thrown value as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The message of any thrown value, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return joinLines(text, "; ");
}

/**
 * The message for a missing permission of Deno's sandbox. A compiled program has fixed permissions and takes no flags
 * for them.
 *
 * @param flags As in `--allow-read=FILE`.
 */
export function missingPermission(flags: string, isCompiled: boolean = Deno.build.standalone): string {
  return isCompiled ? `this compiled program runs without ${flags}; run the bundle with it` : `run again with ${flags}`;
}

/**
 * Parses a value of the user; an error becomes a {@linkcode UsageError}.
 *
 * @param prefix Start of the message, such as `--rate: `.
 */
export function orUsageError<T>(parse: () => T, prefix = ""): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`${prefix}${messageOf(error)}`, { cause: error });
  }
}
