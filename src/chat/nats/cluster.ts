import type { Logger } from "../../log/logger.ts";
import type { Directory } from "../directory.ts";
import type { History, Retention } from "../history.ts";
import type { ClusterAddress } from "./cluster_address.ts";
import { connectNats, type NatsTrust, useError } from "./connect_nats.ts";
import { createNatsDirectory } from "./directory_nats.ts";
import { createNatsHistory } from "./history_nats.ts";
import { NatsLink } from "./link.ts";

/** Options of {@linkcode joinCluster}. */
export interface ClusterOptions {
  readonly address: ClusterAddress;
  /** Credentials for NATS besides those of the address, and trusted CA certificates. */
  readonly trust?: NatsTrust | undefined;
  /** Applies when the stream is created; an existing stream keeps its settings. */
  readonly retention: Retention;
  /** Number of replicas, used when the stream is created. */
  readonly replicas?: number | undefined;
  /** A server that sends no heartbeat for this time is considered offline, with its members. */
  readonly leaseMs: number;
  readonly log: Logger;
}

/** The shared state of a cluster. */
export interface Cluster {
  /** Closes the connection to NATS; the directory must be disposed of first. */
  readonly history: History;
  readonly directory: Directory;
}

/** Default of {@linkcode ClusterOptions.leaseMs}. */
export const DEFAULT_LEASE_MS = 12_000;

/**
 * Joins a cluster of servers with shared rooms and members.
 *
 * @throws {RefusedError} NATS cannot be reached.
 * @throws {PermissionError} NATS or the sandbox denies access.
 * @throws {TlsError} Its certificate is not trusted, or it does not support TLS.
 * @throws {UsageError} JetStream is not enabled.
 */
export async function joinCluster(options: ClusterOptions): Promise<Cluster> {
  const { address, trust, retention, replicas, leaseMs, log } = options;
  const { link, stream } = await NatsLink.open(await connectNats(address, trust), { retention, replicas, log });
  try {
    const server = crypto.randomUUID().slice(0, 8);
    const history = await createNatsHistory(link, { server, stream, log });
    const topicOf = (roomKey: string) => history.topicOf(roomKey);
    return {
      history,
      directory: await createNatsDirectory(link, { server, leaseMs, messages: history, topicOf, log }),
    };
  } catch (error) {
    await link[Symbol.asyncDispose]();
    throw useError(error);
  }
}
