import { messageOf } from "../../base/errors.ts";
import { fieldOf } from "../../base/json.ts";
import type { Logger } from "../../log/logger.ts";
import type { NatsLink } from "./link.ts";
import { BEATS_PER_LEASE, Liveness } from "./liveness.ts";
import { SERVER_KEY } from "./subjects.ts";
import type { Table, TableEntry } from "./table.ts";

/** Leave reason for the members of a server that sends no heartbeat. */
export const LOST = "its server is lost";

/** Options of a {@linkcode Heartbeat}. */
interface HeartbeatOptions {
  /** ID of this server. */
  readonly server: string;
  readonly leaseMs: number;
  readonly log: Logger;
}

/** Callbacks of a {@linkcode Heartbeat}. */
interface HeartbeatEvents {
  /** A server is offline, with all its members. */
  onGone(server: string, why: string): void;
  /** A server that was considered offline is back online. */
  onBack(server: string): void;
  /** This server received its own heartbeat from NATS: NATS is reachable. */
  onBeat(): void;
}

/** Sends heartbeats of this server, and checks those of the others. */
export class Heartbeat {
  readonly liveness: Liveness;
  readonly #link: NatsLink;
  readonly #table: Table;
  readonly #options: HeartbeatOptions;
  readonly #beatMs: number;
  readonly #events: HeartbeatEvents;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(link: NatsLink, table: Table, options: HeartbeatOptions, events: HeartbeatEvents) {
    this.#link = link;
    this.#table = table;
    this.#options = options;
    this.#beatMs = options.leaseMs / BEATS_PER_LEASE;
    this.#events = events;
    this.liveness = new Liveness(this.#beatMs);
  }

  /** Runs until {@linkcode stop} or the end of the link. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.beat(), this.#beatMs);
    this.#link.signal.addEventListener("abort", () => clearInterval(this.#timer), { once: true });
    this.#link.watch({ onReady: () => void this.beat() });
    // An error here means a missing permission to write.
    await this.#table.put(this.#key, { beatMs: this.#beatMs });
  }

  get #key(): string {
    return SERVER_KEY + this.#options.server;
  }

  /** Sends one heartbeat. */
  async beat(): Promise<void> {
    if (this.#link.isReady) await this.#say({ beatMs: this.#beatMs });
  }

  /** Reports the shutdown of this server and all its members. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#link.isReady) await this.#say({ gone: true });
  }

  /** A server has written its key. */
  onEntry({ key, value }: TableEntry): void {
    const server = key.slice(SERVER_KEY.length);
    const isOwn = server === this.#options.server;
    const beatMs = fieldOf(value, "beatMs");
    if (typeof beatMs === "number") {
      this.hear(server, beatMs);
      if (isOwn) this.#onBeat();
    } else if (!isOwn && this.liveness.leave(server)) {
      this.#events.onGone(server, "its server ended");
    }
  }

  /** Records any sign of activity of a server. */
  hear(server: string, beatMs?: number): void {
    if (!this.liveness.hear(server, beatMs)) return;
    this.#options.log.info("a server of the cluster is back online", { server });
    this.#events.onBack(server);
  }

  #onBeat(): void {
    for (const server of this.liveness.tick(performance.now())) this.#events.onGone(server, LOST);
    this.#events.onBeat();
  }

  async #say(value: unknown): Promise<void> {
    try {
      await this.#table.put(this.#key, value);
    } catch (error) {
      // The link has logged the outage, and the next heartbeat follows when NATS is back online.
      this.#options.log.debug("a heartbeat was not stored", { error: messageOf(error) });
    }
  }
}
