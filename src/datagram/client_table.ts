import { startTimer } from "../net/wait.ts";

/** A client in a {@linkcode ClientTable}. */
export interface TableEntry {
  readonly key: string;
  lastActiveMs: number;
}

/** Counts of clients: present, total, evicted at the limit, and expired when idle. */
export type ClientCounts = {
  readonly now: number;
  readonly total: number;
  readonly evicted: number;
  readonly expired: number;
};

/** Why a client was removed from a {@linkcode ClientTable}. */
export type RemovalReason = "evicted" | "expired";

/** Options of {@linkcode ClientTable}. */
interface ClientTableOptions<C extends TableEntry> {
  /** Maximum clients; beyond it the one that was idle longest is evicted. */
  max: number;
  /** Time without activity after which a client expires. */
  idleTimeoutMs: number;
  /** Milliseconds of a monotonic clock. */
  now: () => number;
  /** Called with each client that was evicted or has expired. */
  onRemoved: (client: C, reason: RemovalReason) => void;
}

/** The clients of a relay: bounded in number, and forgotten when idle. */
export class ClientTable<C extends TableEntry> {
  readonly #options: ClientTableOptions<C>;
  /** The one that was idle longest first. */
  readonly #clients = new Map<string, C>();
  readonly #counts = { total: 0, evicted: 0, expired: 0 };
  #max: number;
  #timer: Disposable | undefined;

  constructor(options: ClientTableOptions<C>) {
    this.#options = options;
    this.#max = options.max;
  }

  get counts(): ClientCounts {
    return { now: this.#clients.size, ...this.#counts };
  }

  get(key: string): C | undefined {
    return this.#clients.get(key);
  }

  /** All clients, the one that was idle longest first. */
  values(): MapIterator<C> {
    return this.#clients.values();
  }

  /** Adds the client that `create` makes for its number in the order of arrival, from 1. */
  add(create: (number: number) => C): C {
    while (this.#clients.size >= this.#max) this.evict(this.#clients.values().next().value);
    const client = create(++this.#counts.total);
    this.#clients.set(client.key, client);
    this.#timer ??= startTimer(this.#options.idleTimeoutMs, () => this.#expire());
    return client;
  }

  /** Records activity of a client. */
  touch(client: C): void {
    client.lastActiveMs = this.#options.now();
    // A map iterates in the order of insertion, so this moves the client to the end.
    this.#clients.delete(client.key);
    this.#clients.set(client.key, client);
  }

  evict(client: C | undefined): void {
    if (client) this.#removeFor(client, "evicted");
  }

  /** Lowers the maximum. */
  shrink(max: number): void {
    this.#max = Math.max(1, Math.min(this.#max, max));
  }

  delete(client: C): void {
    this.#clients.delete(client.key);
    if (this.#clients.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #removeFor(client: C, reason: RemovalReason): void {
    this.#counts[reason]++;
    this.delete(client);
    this.#options.onRemoved(client, reason);
  }

  #expire(): void {
    const { idleTimeoutMs, now } = this.#options;
    const nowMs = now();
    this.#timer = undefined;
    for (const client of this.#clients.values()) {
      const leftMs = client.lastActiveMs + idleTimeoutMs - nowMs;
      if (leftMs > 0) {
        this.#timer = startTimer(leftMs, () => this.#expire());
        return;
      }
      this.#removeFor(client, "expired");
    }
  }
}
