import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import type { NatsLink } from "./link.ts";
import { BEATS_PER_LEASE, Liveness } from "./liveness.ts";
import { SERVER_KEY } from "./subjects.ts";
import type { Table, TableEntry } from "./table.ts";

/** Reason for the members of a server that sends no heartbeat to have left. */
export const LOST = "its server is lost";

/** What a {@linkcode Heartbeat} must be told. */
export interface HeartbeatOptions {
  /** Names this server. */
  readonly server: string;
  readonly leaseMs: number;
  readonly log: Logger;
}

/** What a {@linkcode Heartbeat} tells. */
export interface HeartbeatEvents {
  /** A server is gone, with everyone on it. */
  onGone(server: string, why: string): void;
  /** A server that was considered offline is back online. */
  onBack(server: string): void;
  /** A heartbeat of this server came back from NATS: NATS is reachable. */
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

  /** Begins, and goes on until {@linkcode stop} or the end of the link. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.beat(), this.#beatMs);
    this.#link.signal.addEventListener("abort", () => clearInterval(this.#timer), { once: true });
    this.#link.watch({ onReady: () => void this.beat() });
    // An error here says that this server may not write.
    await this.#table.put(this.#key, { beatMs: this.#beatMs });
  }

  get #key(): string {
    return SERVER_KEY + this.#options.server;
  }

  /** Sends one heartbeat. */
  async beat(): Promise<void> {
    if (this.#link.isReady) await this.#say({ beatMs: this.#beatMs });
  }

  /** Reports that this server ends, with all of its members. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#link.isReady) await this.#say({ gone: true });
  }

  /** A server has written its key. */
  onEntry({ key, value }: TableEntry): void {
    const server = key.slice(SERVER_KEY.length);
    const isOwn = server === this.#options.server;
    const { beatMs } = typeof value === "object" && value !== null && "beatMs" in value ? value : {};
    if (typeof beatMs === "number") {
      this.hear(server, beatMs);
      if (isOwn) this.#onBeat();
    } else if (!isOwn && this.liveness.leave(server)) {
      this.#events.onGone(server, "its server ended");
    }
  }

  /** Something of a server came, whatever it was. */
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
