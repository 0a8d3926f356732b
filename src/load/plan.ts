import type { ConnectOptions } from "../net/options.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Route } from "../http/route.ts";

/** A load on a server; plain data, so that parts of it can be posted to workers. */
export interface LoadPlan {
  readonly endpoint: Endpoint;
  readonly connections: number;
  /** Messages in flight on a connection, in a closed loop. */
  readonly depth: number;
  /** Message size in bytes, without framing. */
  readonly size: number;
  readonly framing: string;
  /** Total messages per second, for an open loop; `undefined` for a closed one. */
  readonly rate: number | undefined;
  /** Duration of the measurement. */
  readonly durationMs: number;
  /** Total number of messages, instead of a duration. */
  readonly requests: number | undefined;
  /** Duration of the warm-up, which is not measured. */
  readonly warmupMs: number;
  /** Maximum time to wait for an answer. */
  readonly timeoutMs: number;
  readonly connect: Pick<ConnectOptions, "tls" | "handshakeTimeout" | "connectTimeout">;
  /** Further header fields of a WebSocket handshake. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Proxies to connect through. */
  readonly route?: Route | undefined;
  /** Size of the pool that `connections` callers share; `undefined` if each has its own connection. */
  readonly poolSize: number | undefined;
}

/** Splits the plan into up to `count` parts of similar size, each with at least one connection. */
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
