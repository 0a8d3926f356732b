import { Logger } from "@parley/parley";
import type { Retention } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub, type HubOptions } from "../../src/chat/hub.ts";
import { type Cluster, type ClusterOptions, joinCluster } from "../../src/chat/nats/cluster.ts";
import { parseClusterAddress } from "../../src/chat/nats/cluster_address.ts";
import { NatsServer } from "./nats_server.ts";

/** Long, because a server that a busy machine keeps from its heartbeats counts as lost, and its users as gone. */
const LONG_LEASE_MS = 60_000;

/** A lease for tests of a lost server, which wait until it ends. */
export const SHORT_LEASE_MS = 2_000;

const log = Logger.of("test");
const RETENTION: Retention = { maxMessages: 10_000 };

/** Joins a cluster as a server of its own. */
export function joinTestCluster(url: string, extras: Partial<ClusterOptions> = {}): Promise<Cluster> {
  return joinCluster({
    address: parseClusterAddress(url),
    retention: RETENTION,
    leaseMs: LONG_LEASE_MS,
    log,
    ...extras,
  });
}

/** Hubs that represent the servers of one chat. */
export interface Hubs extends AsyncDisposable {
  /** The two are the same where there is one server. */
  readonly left: Hub;
  readonly right: Hub;
}

type Extras = Omit<HubOptions, "log" | "history" | "directory">;
type ClusterExtras = Extras & Pick<Partial<ClusterOptions>, "leaseMs">;

/** One standalone server. */
export async function startAlone(extras: Extras = {}): Promise<Hubs> {
  const hub = new Hub({ log, history: createMemoryHistory({ retention: RETENTION }), ...extras });
  await hub.start();
  return { left: hub, right: hub, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

/** Two servers of one cluster, with a NATS of their own. */
export async function startTwo(extras: ClusterExtras = {}): Promise<Hubs & { readonly nats: NatsServer }> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await NatsServer.start());
  const left = stack.use(await joinHub(nats.url, extras));
  const right = stack.use(await joinHub(nats.url, extras));
  const whole = stack.move();
  return { nats, left, right, [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose]() };
}

/** One further server. */
export async function joinHub(url: string, { leaseMs = LONG_LEASE_MS, ...extras }: ClusterExtras = {}): Promise<Hub> {
  const hub = new Hub({ log, ...await joinTestCluster(url, { leaseMs }), ...extras });
  await hub.start();
  return hub;
}
