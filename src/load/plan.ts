import type { ConnectOptions } from "../net/options.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Route } from "../http/route.ts";

/** A load to put on a server; plain data, so that a worker can be given a part of it. */
export interface LoadPlan {
  readonly endpoint: Endpoint;
  readonly connections: number;
  /** Messages in flight on a connection, in a closed loop. */
  readonly depth: number;
  /** Bytes of a message, without its framing. */
  readonly size: number;
  readonly framing: string;
  /** Messages a second in all: an open loop; without it a closed one. */
  readonly rate: number | undefined;
  /** How long it is measured. */
  readonly durationMs: number;
  /** Messages in all, instead of a time. */
  readonly requests: number | undefined;
  /** How long it runs before anything counts. */
  readonly warmupMs: number;
  /** For an answer. */
  readonly timeoutMs: number;
  /** How to connect. */
  readonly connect: Pick<ConnectOptions, "tls" | "handshakeTimeout" | "connectTimeout">;
  /** Further header fields of a WebSocket handshake. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The way there, if it is not a direct one. */
  readonly route?: Route | undefined;
  /** Connections in the pool that `connections` callers share; without it each has its own. */
  readonly poolSize: number | undefined;
}

/** The plan in `count` parts of like size; fewer where there are not enough connections. */
export function splitPlan(plan: LoadPlan, count: number): LoadPlan[] {
  const parts = Math.min(count, plan.connections, plan.requests ?? Infinity, plan.poolSize ?? Infinity);
  const share = (total: number, part: number) => Math.floor(total / parts) + (part < total % parts ? 1 : 0);
  return Array.from({ length: parts }, (_, part) => ({
    ...plan,
    connections: share(plan.connections, part),
    rate: plan.rate === undefined ? undefined : plan.rate / parts,
    requests: plan.requests === undefined ? undefined : share(plan.requests, part),
    poolSize: plan.poolSize === undefined ? undefined : share(plan.poolSize, part),
  }));
}
