/**
 * What the runtime throws, as the error classes of `base/errors.ts`.
 *
 * @module
 */

import {
  BindError,
  ClosedEarlyError,
  codeOf,
  hasCode,
  messageOf,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  TimeoutError,
  TlsError,
} from "../base/errors.ts";
import { tlsReasonOf } from "./tls_error.ts";

/**
 * Wraps an error of the runtime's sockets.
 *
 * @param doing What was being done, for the message: `"connect to"`, `"listen on"`, `"read from"`.
 */
export function toSocketError(error: unknown, doing: string, endpoint: string): Error {
  if (error instanceof ParleyError || !(error instanceof Error)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const options = { endpoint, cause: error };
  const message = `Cannot ${doing} ${endpoint}: ${reasonOf(error)}`;
  const code = codeOf(error);
  if (error instanceof Deno.errors.NotCapable) return new PermissionError(permissionMessage(error, message), options);
  if (error instanceof Deno.errors.AddrInUse) return new BindError("in use", message, options);
  if (error instanceof Deno.errors.AddrNotAvailable || code === "EAFNOSUPPORT") {
    // A client asks for no address of its own: the machine has none of the family of the server's, as without IPv6.
    return doing === "connect to"
      ? new RefusedError(message, options)
      : new BindError("not available", message, options);
  }
  if (error instanceof Deno.errors.PermissionDenied) return new BindError("not permitted", message, options);
  if (
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.NotConnected
  ) return new ResetError(message, options);
  if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) {
    return new RefusedError(message, options);
  }
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "ENOTSOCK") {
    return new RefusedError(message, options);
  }
  if (error instanceof Deno.errors.TimedOut) return new TimeoutError("connect", message, options);
  if (error instanceof Deno.errors.UnexpectedEof) return new ClosedEarlyError(message, options);
  const tlsReason = tlsReasonOf(error);
  if (tlsReason !== undefined) return new TlsError(tlsReason, message, options);
  return new ParleyError(message, options);
}

/** In a few words why a socket call failed: `connection refused`, `no route to host`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  return messageOf(error).replace(/ \(os error \d+\)$/, "").replace(
    /^[A-Z](?=[a-z])/,
    (letter) => letter.toLowerCase(),
  );
}

/** Whether the error, or what caused it, is that this process may open no more files. */
export function isOutOfDescriptors(error: unknown): boolean {
  return hasCode(error, "EMFILE");
}

function permissionMessage(error: Error, message: string): string {
  const flag = /run again with the (--allow-[a-z]+) flag/.exec(error.message)?.[1];
  const wanted = /Requires (?:\w+) access to (".*?")/.exec(error.message)?.[1];
  if (flag === undefined) return message;
  return `${message.slice(0, message.lastIndexOf(": "))}: the permission ${flag}${
    wanted ? `=${wanted.slice(1, -1)}` : ""
  } is missing`;
}
