/**
 * The meaning of system error codes: error classes, exit codes and messages derive from this table.
 *
 * @module
 */

import { codeOf, messageOf } from "./errors.ts";

/** Category of a system error. */
type SystemErrorKind =
  /** Connection refused, or no route. */
  | "unreachable"
  | "timeout"
  /** The peer has closed or reset the connection. */
  | "reset"
  /** This side has closed the connection or the socket. */
  | "closed"
  | "in use"
  /** Not an address of this machine. */
  | "not available"
  | "not permitted"
  /** No more descriptors, memory, disk space or ports. */
  | "out of resources"
  /** The address or the data is invalid; a retry cannot help. */
  | "invalid";

/** The operation: some codes have different meanings for servers and clients. */
export type SocketPhase = "bind" | "connect" | "transfer";

type Entry = readonly [kind: SystemErrorKind, reason: string, whenBinding?: SystemErrorKind];

/** By POSIX name. Linux, macOS and, without their prefix `WSA`, the codes of Windows sockets. */
const CODES: Readonly<Record<string, Entry>> = {
  ECONNREFUSED: ["unreachable", "connection refused"],
  EHOSTUNREACH: ["unreachable", "no route to host", "not available"],
  ENETUNREACH: ["unreachable", "network is unreachable", "not available"],
  EHOSTDOWN: ["unreachable", "host is down"],
  ENETDOWN: ["unreachable", "network is down", "not available"],
  ENONET: ["unreachable", "machine is not on the network"],
  EAFNOSUPPORT: ["unreachable", "address family not supported", "not available"],
  EPFNOSUPPORT: ["unreachable", "protocol family not supported", "not available"],
  EPROTONOSUPPORT: ["unreachable", "protocol not supported", "not available"],
  ESOCKTNOSUPPORT: ["unreachable", "socket type not supported", "not available"],
  EPROTOTYPE: ["unreachable", "the socket is of another type"],
  ENOTSOCK: ["unreachable", "not a socket"],
  ENOENT: ["unreachable", "no such file or directory", "not available"],
  ENOTDIR: ["unreachable", "not a directory", "not available"],
  ENXIO: ["unreachable", "no such device or address"],
  ETIMEDOUT: ["timeout", "connection timed out"],
  EAGAIN: ["timeout", "resource temporarily unavailable"],
  EWOULDBLOCK: ["timeout", "resource temporarily unavailable"],
  ECONNRESET: ["reset", "connection reset by peer"],
  ECONNABORTED: ["reset", "connection aborted"],
  ENETRESET: ["reset", "connection reset by network"],
  EPIPE: ["reset", "broken pipe"],
  ENOTCONN: ["reset", "not connected"],
  EDISCON: ["reset", "the peer has shut down"],
  ESHUTDOWN: ["closed", "the socket has been shut down"],
  EBADF: ["closed", "the socket is closed"],
  EINTR: ["closed", "interrupted"],
  ECANCELED: ["closed", "canceled"],
  EADDRINUSE: ["in use", "address already in use"],
  EADDRNOTAVAIL: ["not available", "cannot assign requested address"],
  EACCES: ["not permitted", "permission denied"],
  EPERM: ["not permitted", "operation not permitted"],
  EROFS: ["not permitted", "read-only file system"],
  EMFILE: ["out of resources", "too many open files"],
  ENFILE: ["out of resources", "too many open files in the system"],
  ENOBUFS: ["out of resources", "no buffer space available"],
  ENOMEM: ["out of resources", "out of memory"],
  ENOSR: ["out of resources", "out of streams resources"],
  EPROCLIM: ["out of resources", "too many processes"],
  ENOSPC: ["out of resources", "no space left on device"],
  EDQUOT: ["out of resources", "disk quota exceeded"],
  EFBIG: ["out of resources", "file too large"],
  EINVAL: ["invalid", "invalid argument"],
  EISDIR: ["invalid", "is a directory"],
  EMSGSIZE: ["invalid", "message too long"],
  EDESTADDRREQ: ["invalid", "destination address required"],
  ENAMETOOLONG: ["invalid", "file name too long"],
  ELOOP: ["invalid", "too many levels of symbolic links"],
  EISCONN: ["invalid", "already connected"],
  EALREADY: ["invalid", "operation already in progress"],
  EINPROGRESS: ["invalid", "operation now in progress"],
  ENOPROTOOPT: ["invalid", "protocol option not available"],
  EOPNOTSUPP: ["invalid", "operation not supported"],
  ENOTSUP: ["invalid", "operation not supported"],
  EFAULT: ["invalid", "bad address"],
};

/** Some of the runtime's errors have a class but no code. */
const CODE_OF_CLASS: Readonly<Record<string, string>> = {
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  BadResource: "EBADF",
  BrokenPipe: "EPIPE",
  ConnectionAborted: "ECONNABORTED",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  Interrupted: "EINTR",
  IsADirectory: "EISDIR",
  NetworkUnreachable: "ENETUNREACH",
  NotADirectory: "ENOTDIR",
  NotConnected: "ENOTCONN",
  NotFound: "ENOENT",
  NotSupported: "ENOTSUP",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
  WouldBlock: "EAGAIN",
};

/** Numbers without a class or a code in the runtime: `EPROTOTYPE` of Linux, macOS and Windows. */
const EPROTOTYPE_NUMBERS: ReadonlySet<string> = new Set(["91", "41", "10041"]);

/** The POSIX name of a system error. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  if (code !== undefined) return code.replace(/^WSA(?=E)/, "");
  const number = /\(os error (\d+)\)$/.exec(error.message)?.[1];
  if (number !== undefined && EPROTOTYPE_NUMBERS.has(number)) return "EPROTOTYPE";
  if (number === "27" && Deno.build.os !== "windows") return "EFBIG";
  return CODE_OF_CLASS[error.name];
}

/**
 * The category of a system error; `undefined` if it is unknown or not a system error.
 *
 * `isIpv6`: whether the address is IPv6. EADDRNOTAVAIL then means that the machine lacks IPv6; with IPv4 it means that
 * no local port is free.
 */
export function systemErrorKind(error: unknown, phase: SocketPhase, isIpv6 = false): SystemErrorKind | undefined {
  const code = systemCodeOf(error);
  const entry = code === undefined ? undefined : CODES[code];
  if (entry === undefined) return undefined;
  const [kind, , whenBinding] = entry;
  if (phase === "bind") return whenBinding ?? kind;
  if (code === "EADDRNOTAVAIL") return isIpv6 ? "unreachable" : "out of resources";
  return kind;
}

/** Whether the error or one of its causes is a lack of descriptors, memory or disk space. */
export function isOutOfResources(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return CODES[systemCodeOf(error) ?? ""]?.[0] === "out of resources" || isOutOfResources(error.cause);
}

/** The reason in words, such as `connection refused`; an unknown code is returned as it is. */
export function reasonOf(error: unknown): string {
  const code = systemCodeOf(error);
  const known = code === undefined ? undefined : CODES[code]?.[1];
  // For an invalid argument the runtime's message is more precise than the code.
  if (known !== undefined && (code !== "EINVAL" || /os error/.test(messageOf(error)))) return known;
  const text = messageOf(error).replace(/ \(os error \d+\)$/, "")
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return code === undefined || known !== undefined || text.includes(code) ? text : `${text} (${code})`;
}
