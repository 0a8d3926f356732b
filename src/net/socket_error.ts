/**
 * Converts the runtime's errors to the classes of `base/errors.ts`.
 *
 * @module
 */

import {
  BindError,
  ClosedEarlyError,
  ClosedError,
  hasCode,
  missingPermission,
  OutOfResourcesError,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  ResolveError,
  TimeoutError,
  TlsError,
  toError,
  UsageError,
} from "../base/errors.ts";
import { reasonOf, type SocketPhase, systemErrorKind } from "../base/system_error.ts";
import { explainTls, tlsReasonOf } from "./tls_error.ts";

/**
 * Wraps a socket error of the runtime.
 *
 * @param doing The operation, for the message: `"connect to"`, `"listen on"`, `"read from"`.
 */
export function toSocketError(error: unknown, doing: string, endpoint: string): Error {
  if (error instanceof ParleyError || !(error instanceof Error)) return toError(error);
  const options = { endpoint, cause: error };
  const message = `Cannot ${doing} ${endpoint}: ${reasonOf(error)}`;
  if (error instanceof Deno.errors.NotCapable) return new PermissionError(permissionMessage(error, message), options);
  const phase = phaseOf(doing);
  switch (systemErrorKind(error, phase, endpoint.includes("["))) {
    case "unreachable":
      return new RefusedError(message, options);
    case "timeout":
      return new TimeoutError(phase === "connect" ? "connect" : "total", message, options);
    case "reset":
      return new ResetError(message, options);
    case "closed":
      return new ClosedError(message, options);
    case "in use":
      return new BindError("in use", message, options);
    case "not available":
      return new BindError("not available", message, options);
    case "not permitted":
      return phase === "bind"
        ? new BindError("not permitted", message, options)
        : new PermissionError(message, options);
    case "out of resources":
      return new OutOfResourcesError(message, options);
    case "invalid":
      return phase === "transfer" ? new ParleyError(message, options) : new UsageError(message, options);
  }
  if (error instanceof Deno.errors.UnexpectedEof) return new ClosedEarlyError(message, options);
  if (/^failed to lookup address/.test(error.message)) return new ResolveError(message, options);
  const tlsReason = tlsReasonOf(error);
  if (tlsReason !== undefined) {
    return new TlsError(tlsReason, `Cannot ${doing} ${endpoint}: ${explainTls(error, tlsReason)}`, options);
  }
  return new ParleyError(message, options);
}

function phaseOf(doing: string): SocketPhase {
  if (/^(?:listen|bind|find a free port)/.test(doing)) return "bind";
  return /^(?:connect|send)/.test(doing) ? "connect" : "transfer";
}

/** Whether the error or one of its causes is the limit of open files. */
export function isOutOfDescriptors(error: unknown): boolean {
  return hasCode(error, "EMFILE");
}

function permissionMessage(error: Error, message: string): string {
  const flag = /(?:run again with the|using `deno compile) (--allow-[a-z]+)/.exec(error.message)?.[1];
  const wanted = /Requires (?:\w+) access to (".*?")/.exec(error.message)?.[1];
  if (flag === undefined) return message;
  return `${message.slice(0, message.lastIndexOf(": "))}: ${
    missingPermission(wanted ? `${flag}=${wanted.slice(1, -1)}` : flag)
  }`;
}
