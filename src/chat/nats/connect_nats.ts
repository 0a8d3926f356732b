import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { messageOf, type ParleyError, PermissionError, RefusedError, UsageError } from "../../base/errors.ts";
import type { ClusterAddress } from "./cluster_address.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Between two tries to come back. */
const RECONNECT_MS = 250;
/** A peer that is gone without a word is found out within two of these. */
const PING_MS = 2_500;

/**
 * Connects to NATS; from then on it comes back by itself, for as long as it takes.
 *
 * @throws {RefusedError} Nobody answers there.
 * @throws {PermissionError} NATS or the sandbox refuses us.
 */
export async function connectNats(address: ClusterAddress, credentials?: Uint8Array): Promise<NatsConnection> {
  const { servers, isTls, user, password, token } = address;
  try {
    return await connect({
      servers: [...servers],
      name: "parley-server",
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      pingInterval: PING_MS,
      ...(isTls ? { tls: {} } : {}),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    });
  } catch (error) {
    throw connectError(servers, error);
  }
}

function connectError(servers: readonly string[], cause: unknown): ParleyError {
  const what = `Cannot use NATS at ${servers.join(", ")}`;
  const found = messageOf(cause);
  if (cause instanceof Error && cause.name === "NotCapable" || /Requires net access/.test(found)) {
    return new PermissionError(`${what}: run again with --allow-net=${servers.join(",")}`, { cause });
  }
  if (/authorization|permission/i.test(found)) {
    return new PermissionError(`${what}: it refuses the log-in: ${found}`, { cause });
  }
  if (/creds|seed|nkey/i.test(found)) return new UsageError(`${what}: the credentials are none: ${found}`, { cause });
  return new RefusedError(`${what}: ${found}`, { cause });
}
