import { DEFAULTS } from "../base/defaults.ts";
import { messageOf } from "../base/errors.ts";
import { connect } from "../factory.ts";
import type { ConnectOptions } from "../net/options.ts";
import type { Size } from "../base/units.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint, isWebSocket } from "../net/endpoint.ts";
import type { Resetter } from "../net/sockopt/resetter.ts";
import { proxyProtocolSenderFor } from "../net/layers/proxy_protocol.ts";
import type { Session } from "../session/session.ts";
import type { Service } from "../server/service.ts";
import type { ConnectionReport } from "../server/stats_snapshot.ts";
import type { WebSocketSession } from "../websocket/session.ts";
import { appliesTo } from "./fault_chain.ts";
import type { Clock } from "./faults/clock.ts";
import type { Fault } from "./faults/fault.ts";
import { RelayedConnection, type Tap } from "./relayed_connection.ts";
import { MessageSide, type Side, StreamSide } from "./side.ts";

/** How a relay selects one of several targets: the first that can be reached, or round-robin. */
export type Balance = "in-order" | "round-robin";

/** Options of {@linkcode RelayService}. */
export interface RelayServiceOptions {
  readonly targets: readonly Endpoint[];
  readonly balance: Balance;
  /** Reaction if no target can be reached. */
  readonly onUnreachable: "reset" | "close";
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly clock: Clock;
  /** Dials a target. */
  readonly dial: ConnectOptions;
  /** How the sockets to the targets are reset. */
  readonly canReset: true | Resetter;
  /** Disposed of with the service. */
  readonly ownResetter?: Resetter | undefined;
  /** Version of the PROXY header to send to the target; none by default. */
  readonly sendProxy?: 1 | 2 | undefined;
  /** Maximum bytes of a WebSocket message. */
  readonly maxMessage?: Size | undefined;
  /** WebSocket subprotocols to accept from clients and offer to the target. */
  readonly subprotocols: readonly string[];
  /** Creates the observer of a connection. */
  readonly tap?: ((connection: Connection) => Tap | undefined) | undefined;
}

/** The connection to the target, for statistics. */
type UpstreamReport =
  & Pick<ConnectionReport, "peer" | "bytesRead" | "bytesWritten" | "queuedBytes" | "outboxHighWater">
  & { readonly faults: Readonly<Record<string, readonly string[]>> };

/** Relays each client over its own connection to a target, dialed when the client has connected. */
export class RelayService implements Service {
  readonly subprotocols: readonly string[];
  readonly #options: RelayServiceOptions;
  readonly #open = new Map<number, RelayedConnection>();
  readonly #closing = new AbortController();
  /** One for each dial: listeners of one signal are compared with one another. */
  readonly #dialing = new Set<AbortController>();
  #faults: readonly Fault[];
  #turn = 0;
  readonly #insecureWarned = new Set<string>();

  constructor(options: RelayServiceOptions) {
    this.#options = options;
    this.#faults = options.faults;
    this.subprotocols = options.subprotocols;
  }

  /** The faults of this relay, in order. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** Changes the faults of open and of new connections. */
  set faults(faults: readonly Fault[]) {
    this.#faults = faults;
    for (const connection of this.#open.values()) connection.update(faults);
  }

  /** The target's side of an open connection. */
  upstreamOf(connection: Connection): UpstreamReport | undefined {
    const relayed = this.#open.get(connection.id);
    if (relayed === undefined) return undefined;
    const { remote, bytesRead, bytesWritten, queuedBytes, outboxHighWater } = relayed.server.connection;
    const peer = formatEndpoint(remote);
    return { peer, bytesRead, bytesWritten, queuedBytes, outboxHighWater, faults: relayed.faultNames };
  }

  async serve(session: Session, connection: Connection): Promise<void> {
    if (!await this.#admit(connection)) return void connection.reset("denied");
    let server: Side;
    try {
      server = await this.#dial(session, connection);
    } catch (error) {
      if (this.#closing.signal.aborted) return connection.close("drain");
      connection.log.warning("the target cannot be reached", { error: messageOf(error) });
      if (this.#options.onUnreachable === "reset") connection.reset("error");
      else connection.close("error");
      return;
    }
    if (this.#closing.signal.aborted) {
      server.abort("drain");
      return connection.close("drain");
    }
    const client = session.kind === "stream"
      ? new StreamSide(connection)
      // The kind determines the class of the session.
      : new MessageSide(connection, session as WebSocketSession);
    const relayed = new RelayedConnection({
      client,
      server,
      faults: this.#faults,
      chains: { seed: this.#options.seed, connection: connection.id, clock: this.#options.clock },
      tap: this.#options.tap?.(connection),
    });
    this.#open.set(connection.id, relayed);
    try {
      await relayed.run();
    } finally {
      this.#open.delete(connection.id);
    }
  }

  /** Half-closes the connections to the targets; they end after the remaining replies. */
  drain(): boolean {
    this.#giveUp();
    for (const connection of this.#open.values()) connection.drain();
    return true;
  }

  /** Closes all connections immediately. */
  close(): void {
    this.#giveUp();
    for (const connection of this.#open.values()) connection.close("drain");
  }

  #giveUp(): void {
    const reason = new DOMException("the relay is closing", "AbortError");
    this.#closing.abort(reason);
    for (const dial of this.#dialing) dial.abort(reason);
  }

  /** Every connection has ended. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#options.ownResetter?.[Symbol.dispose]();
    return Promise.resolve();
  }

  async #admit(connection: Connection): Promise<boolean> {
    const { seed, clock } = this.#options;
    for (const fault of this.#faults) {
      const { accept } = fault.type;
      if (accept === undefined || !appliesTo(fault, { seed, connection: connection.id })) continue;
      if (!await accept(fault.attributes, { clock, signal: this.#closing.signal })) return false;
    }
    return true;
  }

  async #dial(session: Session, client: Connection): Promise<Side> {
    const { targets, balance } = this.#options;
    const first = balance === "round-robin" ? this.#turn++ % targets.length : 0;
    const ordered = [...targets.slice(first), ...targets.slice(0, first)];
    let failure: unknown;
    for (const target of ordered) {
      try {
        return await this.#dialOne(target, session, client);
      } catch (error) {
        if (failure !== undefined) session.log.debug("another target cannot be reached", { error: messageOf(error) });
        failure ??= error;
        if (this.#closing.signal.aborted) break;
      }
    }
    throw failure;
  }

  async #dialOne(target: Endpoint, session: Session, client: Connection): Promise<Side> {
    const { dial, canReset, sendProxy, maxMessage = DEFAULTS.webSocketMessageBytes } = this.#options;
    const giveUp = new AbortController();
    const options: ConnectOptions = {
      ...dial,
      insecureWarned: this.#insecureWarned,
      ...(sendProxy === undefined ? {} : { layers: [proxyProtocolSenderFor(sendProxy, client)] }),
      canReset,
      signal: giveUp.signal,
    };
    this.#dialing.add(giveUp);
    const connection = await connect(target, options).finally(() => this.#dialing.delete(giveUp));
    if (!isWebSocket(target)) return new StreamSide(connection);
    const { openWebSocket } = await import("../websocket/dial.ts");
    const subprotocols = session.subprotocol === undefined ? {} : { subprotocols: [session.subprotocol] };
    return new MessageSide(
      connection,
      await openWebSocket(connection, target, { ...options, ...subprotocols, maxMessage, answersCloseLate: true }),
    );
  }
}
