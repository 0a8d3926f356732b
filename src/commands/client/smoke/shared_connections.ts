import { parseDuration } from "../../../base/units.ts";
import { connect } from "../../../factory.ts";
import type { ConnectOptions } from "../../../net/options.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { ConnectionPool } from "../../../net/pool.ts";
import type { PoolLease } from "../../../net/pool_lease.ts";
import type { SmokeTest } from "./schema.ts";

/** Added to the wait for a connection, so that the error comes from connecting rather than from the pool. */
const GRACE_MS = 1_000;

/** `connect()` options shared by all tests. */
type Route = Pick<ConnectOptions, "dialer" | "layers">;

/** Connections shared between tests: a pool per set of connect options. */
export class SharedConnections implements AsyncDisposable {
  readonly #pools = new Map<string, ConnectionPool>();
  readonly #size: number;

  /** The route to every endpoint, also for connections that are not shared. */
  readonly route: Route;

  /** `size` is the number of concurrent tests. */
  constructor(size: number, route: Route) {
    this.#size = size;
    this.route = route;
  }

  /** Takes a connection left by an earlier test, or opens one. Throws like `connect()`. */
  async acquire(
    endpoint: Endpoint,
    tls: SmokeTest["tls"],
    options: ConnectOptions,
    signal: AbortSignal,
  ): Promise<PoolLease> {
    const key = JSON.stringify([formatEndpoint(endpoint), tls, options.canReset]);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const { connectTimeout = 0, handshakeTimeout = 0 } = options;
      pool = new ConnectionPool((closing) => connect(endpoint, { ...options, signal: closing }), {
        size: this.#size,
        // No test waits for another's connection, so a long wait is a wait for the peer.
        waitTimeout: parseDuration(connectTimeout) + parseDuration(handshakeTimeout) + GRACE_MS,
      });
      this.#pools.set(key, pool);
    }
    return await pool.acquire({ signal });
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.values().map((pool) => pool.close()));
  }
}
