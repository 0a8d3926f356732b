import { DEFAULTS } from "../base/defaults.ts";
import { UsageError } from "../base/errors.ts";
import { readNamedBytes, readNamedFile } from "../base/read_named_file.ts";
import { inGroup } from "../base/flag_spec.ts";
import { formatDuration } from "../base/units.ts";
import { cleanText } from "../chat/clean_text.ts";
import { createChatService, MEMORY_MESSAGES } from "../chat/service.ts";
import type { Directory } from "../chat/directory.ts";
import type { History, Retention } from "../chat/history.ts";
import { createMemoryHistory } from "../chat/history_memory.ts";
import { parseClusterAddress } from "../chat/nats/cluster_address.ts";
import type { Logger } from "../log/logger.ts";
import { defineService } from "./service.ts";

/** Default number of messages that a file or NATS stores for each room. */
const STORED_MESSAGES = 100_000;

/** With a shorter lease, a busy server would be considered offline. */
const MIN_LEASE_MS = 1_000;

/** Chat rooms: lines of text, JSON, and a page for browsers. */
export const chat = defineService({
  sharesState: true,
  endpoints: ["tcp://127.0.0.1:8028", "ws://127.0.0.1:8765"],
  framing: "line",
  // In JSON, each character of a message may take six bytes.
  maxMessageBytes: DEFAULTS.webSocketMessageBytes,
  asksForLogIn: true,
  flags: {
    history: { type: "text", placeholder: "FILE", help: "store messages in this SQLite database" },
    historyCount: {
      type: "integer",
      min: 1,
      help: "messages kept per room (default 1000)",
    },
    historyAge: { type: "duration", isTimer: false, help: "delete messages older than TIME" },
    maxHistoryMemory: { type: "size", help: "maximum messages in memory (default 256MiB)" },
    maxHistorySize: {
      type: "size",
      help: "maximum stored messages (default 4GiB)",
    },
    maxRooms: { type: "integer", min: 1, default: 10_000, help: "maximum rooms" },
    ...inGroup("Cluster", {
      cluster: {
        type: "text",
        placeholder: "URL",
        help: "share the rooms with other servers over NATS JetStream: nats://HOST:4222[,HOST:4222], or tls://",
      },
      clusterLease: {
        type: "duration",
        help: "consider a server that sends no heartbeat for TIME, and its members, offline (default 12s)",
      },
      clusterCreds: { type: "text", placeholder: "FILE", help: "log in to NATS with this credentials file" },
      clusterCa: {
        type: "text",
        placeholder: "FILE",
        help: "with tls://, trust a NATS server whose certificate is signed by one in FILE (PEM)",
      },
      clusterCert: { type: "text", placeholder: "FILE", help: "with tls://, client certificate for NATS (PEM)" },
      clusterKey: { type: "text", placeholder: "FILE", help: "private key of --cluster-cert (PEM)" },
      clusterReplicas: {
        type: "integer",
        min: 1,
        help: "let N NATS servers keep each message (default 3 if NATS is a cluster, otherwise 1)",
      },
    }),
    motd: { type: "text", placeholder: "FILE", help: "greet every client with the lines of FILE" },
    messageRate: {
      type: "integer",
      help: "messages per second of a client (default 2)",
    },
    messageBurst: { type: "integer", min: 1, default: 5, help: "messages at once after a pause" },
  },
  examples: [
    { words: "chat --history chat.db", does: "messages survive a restart" },
    { words: "chat --cluster nats://127.0.0.1:4222", does: "one of several servers with the same rooms" },
  ],
  async create(flags, { log, authenticator, logInTimeoutMs, pings }) {
    const { motd, messageRate, messageBurst } = flags;
    const lines = motd === undefined ? [] : await readMotd(motd);
    // Imported here, so that only a chat loads the page.
    const { PAGE_ROUTES: routes } = await import("../chat/page/routes.ts");
    return await createChatService({
      log,
      routes,
      authenticator,
      ...await openHistory(flags, log),
      maxRooms: flags.maxRooms,
      motd: lines,
      messageRate,
      messageBurst,
      logInTimeout: logInTimeoutMs,
      ...(pings === undefined ? {} : { pings }),
    });
  },
});

interface HistoryFlags {
  readonly history: string | undefined;
  readonly historyCount: number | undefined;
  readonly historyAge: number | undefined;
  readonly maxHistoryMemory: number | undefined;
  readonly maxHistorySize: number | undefined;
  readonly maxRooms: number;
  readonly cluster: string | undefined;
  readonly clusterCreds: string | undefined;
  readonly clusterCa: string | undefined;
  readonly clusterCert: string | undefined;
  readonly clusterKey: string | undefined;
  readonly clusterReplicas: number | undefined;
  readonly clusterLease: number | undefined;
}

/** The store of messages and, in a cluster, the directory of members on other servers. */
async function openHistory(flags: HistoryFlags, log: Logger): Promise<{ history: History; directory?: Directory }> {
  const { history: path, historyCount, historyAge: maxAgeMs, maxRooms, cluster } = flags;
  const isInMemory = cluster === undefined && path === undefined;
  if (isInMemory && flags.maxHistorySize !== undefined) {
    throw new UsageError("Cannot use --max-history-size without --history or --cluster: give --max-history-memory");
  }
  if (!isInMemory && flags.maxHistoryMemory !== undefined) {
    throw new UsageError("Cannot use --max-history-memory with --history or --cluster: give --max-history-size");
  }
  const maxBytes = isInMemory ? flags.maxHistoryMemory : flags.maxHistorySize;
  const retention = (usual: number): Retention => ({
    maxMessages: historyCount ?? usual,
    maxAge: maxAgeMs,
    maxBytes,
    maxRooms,
  });
  if (cluster !== undefined) {
    if (path !== undefined) throw new UsageError("Cannot use --history with --cluster: NATS keeps the messages");
    return await openCluster(cluster, flags, { retention: retention(STORED_MESSAGES), log });
  }
  const { clusterCreds, clusterCa, clusterCert, clusterKey, clusterReplicas, clusterLease } = flags;
  const given = {
    "--cluster-creds": clusterCreds,
    "--cluster-ca": clusterCa,
    "--cluster-cert": clusterCert,
    "--cluster-key": clusterKey,
    "--cluster-replicas": clusterReplicas,
    "--cluster-lease": clusterLease,
  };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw new UsageError(`Cannot use ${flag} without --cluster`);
  if (path === undefined) return { history: createMemoryHistory({ retention: retention(MEMORY_MESSAGES) }) };
  // Imported here, so that only a chat with a file loads the database.
  const { createSqliteHistory } = await import("../chat/history_sqlite.ts");
  return { history: createSqliteHistory({ path, log, retention: retention(STORED_MESSAGES) }) };
}

async function openCluster(
  cluster: string,
  flags: HistoryFlags,
  options: { retention: Retention; log: Logger },
): Promise<{ history: History; directory: Directory }> {
  const { clusterCreds, clusterCa, clusterCert, clusterKey, clusterReplicas: replicas, clusterLease } = flags;
  if (clusterLease !== undefined && clusterLease < MIN_LEASE_MS) {
    throw new UsageError(`Cannot use ${formatDuration(clusterLease)} as --cluster-lease: give at least 1s`);
  }
  const address = parseClusterAddress(cluster);
  for (const [flag, path] of Object.entries({ "--cluster-ca": clusterCa, "--cluster-cert": clusterCert })) {
    if (path !== undefined && !address.isTls) {
      throw new UsageError(`Cannot use ${flag} without TLS: write --cluster tls://...`);
    }
  }
  if ((clusterCert === undefined) !== (clusterKey === undefined)) {
    throw new UsageError("Cannot use --cluster-cert or --cluster-key alone: give both");
  }
  const trust = {
    credentials: clusterCreds === undefined ? undefined : await readNamedBytes(clusterCreds, "the credentials of NATS"),
    authorities: clusterCa === undefined ? undefined : await readNamedFile(clusterCa, "the authorities of NATS"),
    certificate: clusterCert === undefined || clusterKey === undefined ? undefined : {
      cert: await readNamedFile(clusterCert, "the certificate for NATS"),
      key: await readNamedFile(clusterKey, "the key for NATS"),
    },
  };
  // Imported here, so that only a cluster loads the NATS client.
  const { DEFAULT_LEASE_MS, joinCluster } = await import("../chat/nats/cluster.ts");
  return await joinCluster({ ...options, address, trust, replicas, leaseMs: clusterLease ?? DEFAULT_LEASE_MS });
}

async function readMotd(path: string): Promise<string[]> {
  const text = await readNamedFile(path, "the message of the day");
  return text.trimEnd().split(/\r?\n/).map(cleanText);
}
