import { JetStreamApiError } from "@nats-io/jetstream";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import {
  messageOf,
  missingPermission,
  ParleyError,
  PermissionError,
  RefusedError,
  TlsError,
  UsageError,
} from "../../base/errors.ts";
import type { ClusterAddress } from "./cluster_address.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Between two tries to come back. */
const RECONNECT_MS = 250;
/** A peer that disappeared silently is detected within two of these. */
const PING_MS = 2_500;

/** Who we are to NATS, and whom we take for NATS. */
export interface NatsTrust {
  /** What a credentials file holds. */
  readonly credentials?: Uint8Array | undefined;
  /** The authorities that its certificate may be of, in PEM, in place of the usual ones. */
  readonly authorities?: string | undefined;
  /** The certificate and key that NATS knows us by, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

/**
 * Connects to NATS; from then on it comes back by itself, for as long as it takes.
 *
 * @throws {RefusedError} Nobody answers there.
 * @throws {PermissionError} NATS or the sandbox refuses us.
 * @throws {TlsError} Its certificate is not to be trusted, or it speaks no TLS.
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
      // A password that is changed on both sides must not end the server in between.
      ignoreAuthErrorAbort: true,
      // A stack made ready for every request costs more than the request.
      noAsyncTraces: true,
      ...(isTls ? { tls: { ...(authorities === undefined ? {} : { ca: authorities }), ...certificate } } : {}),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    });
    // The client does not notice an alert that comes while it has no handler, and would report a timeout.
    return await Promise.race([connecting, alert.promise]);
  } catch (error) {
    throw connectError(address, error);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
}

/** Whether NATS has said that we may not do this. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "PermissionViolationError" || isRefusal(error.cause);
}

/** Errors of the NATS client that say that no answer can come now. */
const OUTAGES: ReadonlySet<string> = new Set([
  "ClosedConnectionError",
  "ConnectionError",
  "DrainingConnectionError",
  "JetStreamNotEnabled",
  "NoResponders",
  "TimeoutError",
]);

/**
 * Whether an error says that NATS or JetStream cannot answer now. Any other
 * error is about the one request, which would fail again, and says nothing
 * about the requests of others.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof JetStreamApiError) return /unavailable|leader|offline|shutdown/i.test(error.message);
  return OUTAGES.has(error.name) || isOutage(error.cause);
}

/** What to tell the user where NATS is there, but does not let us do what we must. */
export function useError(cause: unknown): unknown {
  if (cause instanceof ParleyError) return cause;
  const what = "Cannot use NATS for the chat";
  if (!isRefusal(cause)) return new UsageError(`${what}: ${messageOf(cause)}`, { cause });
  const found = messageOf(cause);
  return new PermissionError(`${what}: ${found}; parley-server help cluster lists the permissions`, { cause });
}

/**
 * The client of NATS leaves sockets behind that NATS has refused, without anyone to hear that they are reset: that
 * would end the program. Nothing else here uses such sockets.
 */
function ignoreLeftSocket(event: ErrorEvent): void {
  const { error } = event;
  if (!(error instanceof Error) || !/TCPWrap|node:net/.test(error.stack ?? "")) return;
  if (/ECONNRESET|EPIPE/.test(error.message) || isAlert(error)) event.preventDefault();
}

/** Whether NATS ended the TLS handshake: unlike every other TLS error, this one is about our certificate. */
function isAlert(error: unknown): error is Error {
  return error instanceof Error && /received fatal alert/.test(error.message);
}

function connectError({ servers, isTls }: ClusterAddress, cause: unknown): ParleyError {
  const what = `Cannot use NATS at ${servers.join(", ")}`;
  const found = messageOf(cause);
  if (cause instanceof Error && cause.name === "NotCapable" || /Requires net access/.test(found)) {
    return new PermissionError(`${what}: ${missingPermission(`--allow-net=${servers.join(",")}`)}`, { cause });
  }
  if (isAlert(cause)) {
    return new TlsError("other", `${what}: it rejects our certificate (--cluster-cert): ${found}`, { cause });
  }
  if (/authorization|permission/i.test(found)) {
    return new PermissionError(`${what}: it refuses the log-in: ${found}`, { cause });
  }
  if (/credentials|creds|seed|nkey/i.test(found)) {
    return new UsageError(`${what}: invalid credentials file: ${found}`, { cause });
  }
  if (/does not support 'tls'/.test(found)) {
    return new TlsError("protocol", `${what}: it speaks no TLS: use nats:// if that is meant`, { cause });
  }
  if (/altname|does not match/i.test(found)) return new TlsError("name", `${what}: ${found}`, { cause });
  if (/expired/i.test(found)) return new TlsError("expired", `${what}: ${found}`, { cause });
  if (/certificate/i.test(found)) {
    // The runtime does not tell one that is too old from one of a stranger.
    const hint = "trust its authority with tls:// and --cluster-ca FILE, or look at its dates";
    return new TlsError("untrusted", `${what}: ${found}; ${hint}`, { cause });
  }
  const hint = isTls && found === "timeout" ? "; does it require a client certificate (--cluster-cert)?" : "";
  return new RefusedError(`${what}: ${found}${hint}`, { cause });
}
