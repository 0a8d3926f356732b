/** Heartbeats of a server in one lease. */
export const BEATS_PER_LEASE = 4;

/**
 * Which servers are online. Each sends a heartbeat several times per lease; one
 * that has not while four of our own came back from NATS is gone. So nobody is
 * considered offline because NATS, or this server, was unreachable.
 */
export class Liveness {
  readonly #beatMs: number;
  readonly #heard = new Map<string, { atTick: number; beatMs: number }>();
  readonly #gone = new Set<string>();
  #ticks = 0;
  #tickedMs = -Infinity;

  /** `beatMs` lies between two of our own signs. */
  constructor(beatMs: number) {
    this.#beatMs = beatMs;
  }

  /** A server has sent something; whether it was considered offline until now. */
  hear(server: string, beatMs?: number): boolean {
    const known = this.#heard.get(server);
    this.#heard.set(server, { atTick: this.#ticks, beatMs: beatMs ?? known?.beatMs ?? this.#beatMs });
    return this.#gone.delete(server);
  }

  /** A server has said that it ends; whether it was there until now. */
  leave(server: string): boolean {
    this.#heard.delete(server);
    const wasThere = !this.#gone.has(server);
    this.#gone.add(server);
    return wasThere;
  }

  /** One of our own signs came back, at a time in milliseconds; the result are the servers that are gone since. */
  tick(nowMs: number): string[] {
    // What was held up on the way comes all at once: those are not several signs' time in which others were silent.
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

  /** Whether a server is gone; one that was never heard of is not. */
  isGone(server: string): boolean {
    return this.#gone.has(server);
  }

  /** Nothing of it is left to be put away. */
  forget(server: string): void {
    this.#gone.delete(server);
  }

  /** Those that are gone, and not forgotten. */
  get gone(): Iterable<string> {
    return this.#gone;
  }

  /** Whether this one, of all that are there, puts away what the others left. */
  isFirst(server: string): boolean {
    return [...this.#heard.keys()].every((other) => server <= other);
  }
}
