/** Heartbeats of a server in one lease. */
export const BEATS_PER_LEASE = 4;

/**
 * Tracks which servers are online. Each sends several heartbeats per lease; a server is offline if none arrived while
 * four of this server's own came back from NATS. So no server is considered offline because NATS or this server was
 * unreachable.
 */
export class Liveness {
  readonly #beatMs: number;
  readonly #heard = new Map<string, { atTick: number; beatMs: number }>();
  readonly #gone = new Set<string>();
  #ticks = 0;
  #tickedMs = -Infinity;

  /** `beatMs` is the interval of this server's own heartbeats. */
  constructor(beatMs: number) {
    this.#beatMs = beatMs;
  }

  /** Records activity of a server; returns whether it was considered offline. */
  hear(server: string, beatMs?: number): boolean {
    const known = this.#heard.get(server);
    this.#heard.set(server, { atTick: this.#ticks, beatMs: beatMs ?? known?.beatMs ?? this.#beatMs });
    return this.#gone.delete(server);
  }

  /** Records a server's shutdown; returns whether it was online. */
  leave(server: string): boolean {
    this.#heard.delete(server);
    const wasThere = !this.#gone.has(server);
    this.#gone.add(server);
    return wasThere;
  }

  /**
   * Records one of this server's own heartbeats at a time in milliseconds; returns the servers that have become
   * offline.
   */
  tick(nowMs: number): string[] {
    // Delayed heartbeats arrive all at once and do not count as several intervals of silence.
    if (nowMs - this.#tickedMs < this.#beatMs / 2) return [];
    this.#tickedMs = nowMs;
    this.#ticks++;
    const gone: string[] = [];
    for (const [server, { atTick, beatMs }] of this.#heard) {
      const maxTicks = BEATS_PER_LEASE * Math.max(1, beatMs / this.#beatMs);
      if (this.#ticks - atTick < maxTicks) continue;
      this.#heard.delete(server);
      this.#gone.add(server);
      gone.push(server);
    }
    return gone;
  }

  /** Whether a server is offline; an unknown one is not. */
  isGone(server: string): boolean {
    return this.#gone.has(server);
  }

  /** Forgets a server after its cleanup. */
  forget(server: string): void {
    this.#gone.delete(server);
  }

  /** Offline servers that still need cleanup. */
  get gone(): Iterable<string> {
    return this.#gone;
  }

  /** Whether this server, of all online ones, does the cleanup. */
  isFirst(server: string): boolean {
    return [...this.#heard.keys()].every((other) => server <= other);
  }
}
