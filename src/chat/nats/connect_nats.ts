import { JetStreamApiError } from "@nats-io/jetstream";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import {
  messageOf,
  missingPermission,
  ParleyError,
  PermissionError,
  RefusedError,
  ResolveError,
  TlsError,
  UsageError,
} from "../../base/errors.ts";
import { resolverReason } from "../../net/resolve.ts";
import type { ClusterAddress } from "./cluster_address.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Delay between reconnect attempts. */
const RECONNECT_MS = 250;
/** A peer that disappeared silently is detected within two of these. */
const PING_MS = 2_500;

/** Credentials for NATS and trust settings. */
export interface NatsTrust {
  /** Content of a credentials file. */
  readonly credentials?: Uint8Array | undefined;
  /** Trusted CA certificates in PEM, instead of the system's. */
  readonly authorities?: string | undefined;
  /** Client certificate and key in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Connects to NATS; later it reconnects automatically without a time limit.
 *
 * @throws {ResolveError} The name of its host cannot be resolved.
 * @throws {RefusedError} NATS cannot be reached.
 * @throws {PermissionError} NATS or the sandbox denies access.
 * @throws {TlsError} Its certificate is not trusted, or it does not support TLS.
 */
export async function connectNats(
  address: ClusterAddress,
  { credentials, authorities, certificate }: NatsTrust = {},
): Promise<NatsConnection> {
  const { servers, isTls, user, password, token } = address;
  globalThis.addEventListener("error", ignoreLeftSocket);
  const alert = Promise.withResolvers<never>();
  const onError = ({ error }: ErrorEvent) => isAlert(error) && alert.reject(error);
  globalThis.addEventListener("error", onError);
  try {
    const connecting = connect({
      servers: [...servers],
      name: "parley-server",
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      pingInterval: PING_MS,
      // Changing a password on both sides must not end the server in between.
      ignoreAuthErrorAbort: true,
      // Capturing a stack trace for every request is expensive.
      noAsyncTraces: true,
      ...(isTls ? { tls: { ...(authorities === undefined ? {} : { ca: authorities }), ...certificate } } : {}),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    });
    // The client misses a TLS alert while it has no handler, and would report a timeout.
    return await Promise.race([connecting, alert.promise]);
  } catch (error) {
    throw connectError(address, error);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
}

/** Whether NATS has denied permission. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "PermissionViolationError" || isRefusal(error.cause);
}

/** Errors of the NATS client when it is disconnected. */
const OUTAGES: ReadonlySet<string> = new Set([
  "ClosedConnectionError",
  "ConnectionError",
  "DrainingConnectionError",
  "JetStreamNotEnabled",
  "NoResponders",
  "TimeoutError",
]);

/**
 * Whether an error means that NATS or JetStream is unavailable. Any other error concerns only the request, which would
 * fail again.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof JetStreamApiError) return /unavailable|leader|offline|shutdown/i.test(error.message);
  return OUTAGES.has(error.name) || isOutage(error.cause);
}

/** The error for a missing permission in NATS. */
export function useError(cause: unknown): unknown {
  if (cause instanceof ParleyError) return cause;
  const what = "Cannot use NATS for the chat";
  if (!isRefusal(cause)) return new UsageError(`${what}: ${messageOf(cause)}`, { cause });
  const found = messageOf(cause);
  return new PermissionError(`${what}: ${found}; parley-server help cluster lists the permissions`, { cause });
}

/**
 * The NATS client leaves rejected sockets without an error handler, so that a reset would end the process. Nothing else
 * uses such sockets.
 */
function ignoreLeftSocket(event: ErrorEvent): void {
  const { error } = event;
  if (!(error instanceof Error) || !/TCPWrap|node:net/.test(error.stack ?? "")) return;
  if (/ECONNRESET|EPIPE/.test(error.message) || isAlert(error)) event.preventDefault();
}

/** Whether NATS aborted the TLS handshake: unlike all other TLS errors, this one concerns our certificate. */
function isAlert(error: unknown): error is Error {
  return error instanceof Error && /received fatal alert/.test(error.message);
}

function connectError({ servers, isTls }: ClusterAddress, cause: unknown): ParleyError {
  const what = `Cannot use NATS at ${servers.join(", ")}`;
  const found = messageOf(cause);
  if (cause instanceof Error && cause.name === "NotCapable" || /Requires net access/.test(found)) {
    return new PermissionError(`${what}: ${missingPermission(`--allow-net=${servers.join(",")}`)}`, { cause });
  }
  // The NATS client keeps the text alone.
  const [, code, host] = /getaddrinfo (\w+) (\S+)/.exec(found) ?? [];
  if (code !== undefined) {
    return new ResolveError(`${what}: cannot resolve "${host}": ${resolverReason(code) ?? code}`, { cause });
  }
  if (isAlert(cause)) {
    return new TlsError("other", `${what}: it rejects our certificate (--cluster-cert): ${found}`, { cause });
  }
  if (/authorization|permission/i.test(found)) {
    return new PermissionError(`${what}: it rejects the login: ${found}`, { cause });
  }
  if (/credentials|creds|seed|nkey/i.test(found)) {
    return new UsageError(`${what}: invalid credentials file: ${found}`, { cause });
  }
  if (/does not support 'tls'/.test(found)) {
    return new TlsError("protocol", `${what}: it does not support TLS: use nats:// for a connection without TLS`, {
      cause,
    });
  }
  if (/altname|does not match/i.test(found)) return new TlsError("name", `${what}: ${found}`, { cause });
  if (/expired/i.test(found)) return new TlsError("expired", `${what}: ${found}`, { cause });
  if (/certificate/i.test(found)) {
    // The runtime does not distinguish expired and untrusted certificates.
    const hint = "trust its CA with tls:// and --cluster-ca FILE, or check whether it has expired";
    return new TlsError("untrusted", `${what}: ${found}; ${hint}`, { cause });
  }
  const hint = isTls && found === "timeout" ? "; does it require a client certificate (--cluster-cert)?" : "";
  return new RefusedError(`${what}: ${found}${hint}`, { cause });
}
