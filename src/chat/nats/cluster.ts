import type { Logger } from "../../log/logger.ts";
import type { Directory } from "../directory.ts";
import type { History, Retention } from "../history.ts";
import type { ClusterAddress } from "./cluster_address.ts";
import { connectNats, type NatsTrust, useError } from "./connect_nats.ts";
import { createNatsDirectory } from "./directory_nats.ts";
import { createNatsHistory } from "./history_nats.ts";
import { NatsLink } from "./link.ts";

/** What {@linkcode joinCluster} must be told. */
export interface ClusterOptions {
  readonly address: ClusterAddress;
  /** Credentials for NATS besides those of the address, and the authorities to trust. */
  readonly trust?: NatsTrust | undefined;
  /** Counts where the stream is not there yet; a stream that is keeps what it keeps. */
  readonly retention: Retention;
  /** Servers of NATS that keep a copy of each message, where the stream is not there yet. */
  readonly replicas?: number | undefined;
  /** A server that sends no heartbeat for this time is considered offline, with its members. */
  readonly leaseMs: number;
  readonly log: Logger;
}

/** What the servers of a cluster have in common. */
export interface Cluster {
  /** Ends the connection to NATS: the directory is disposed of before it. */
  readonly history: History;
  readonly directory: Directory;
}

/** Default of {@linkcode ClusterOptions.leaseMs}. */
export const DEFAULT_LEASE_MS = 12_000;

/**
 * Makes this server one of many with the same rooms and people.
 *
 * @throws {RefusedError} NATS is not there.
 * @throws {PermissionError} NATS or the sandbox refuses us.
 * @throws {TlsError} Its certificate is not to be trusted, or it speaks no TLS.
 * @throws {UsageError} It has no JetStream.
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
