import { connect } from "../../../factory.ts";
import { formatEndpoint, parseEndpoint } from "../../../net/endpoint.ts";
import { ConnectionPool } from "../../../net/pool.ts";
import type { PoolLease } from "../../../net/pool_lease.ts";
import { type DialFlags, dialOptionsOf } from "../dial.ts";
import { tlsEndpoint } from "../tls_flags.ts";

/** That a connection that does not come is told by the connecting, and not by the waiting for it. */
const GRACE_MS = 1_000;

/** Connections that tests hand on to one another: a pool for each way to connect. */
export class SharedConnections implements AsyncDisposable {
  readonly #pools = new Map<string, ConnectionPool>();
  readonly #size: number;

  /** `size` is how many tests run at a time. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A connection to the endpoint, left by an earlier test or new. It throws as `connect()` does. */
  async acquire(endpoint: string, flags: DialFlags, signal: AbortSignal): Promise<PoolLease> {
    const target = tlsEndpoint(parseEndpoint(endpoint), flags);
    const { tlsCa, tlsName, tlsInsecure, tlsCert, tlsKey, alpn, starttls } = flags;
    const key = JSON.stringify([formatEndpoint(target), tlsCa, tlsName, tlsInsecure, tlsCert, tlsKey, alpn, starttls]);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const options = await dialOptionsOf(flags);
      // Another test may have made it while the files were read.
      pool = this.#pools.get(key) ?? new ConnectionPool(
        (closing) =>
          connect(target, { ...options, context: "smoke", writeTimeout: flags.connectTimeout, signal: closing }),
        // Nobody waits for another's connection, so that whoever waits so long waits for a peer.
        { size: this.#size, waitTimeout: flags.connectTimeout + flags.handshakeTimeout + GRACE_MS },
      );
      this.#pools.set(key, pool);
    }
    return await pool.acquire({ signal });
  }

  /** Closes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.values().map((pool) => pool.close()));
  }
}
