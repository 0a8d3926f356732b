import type { Logger } from "../log/logger.ts";
import type { ConnectionLimits, DeadlineTimer } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint, printable } from "./endpoint.ts";
import type { Peer } from "./layer.ts";
import { LayeredTransport, type LayerSetup, type PutLayer } from "./layered_transport.ts";
import type { TlsFacts } from "./tls_facts.ts";
import type { Transport } from "./transport.ts";

/** Options of {@linkcode Connection}. */
export interface ConnectionInit {
  /** Number for log lines, unique per listener. */
  id: number;
  /** Our side. */
  local: Endpoint;
  /** The peer's side. */
  remote: Endpoint;
  /** The proxy that the socket is connected to. */
  proxy?: Endpoint | undefined;
  /** Carries the context. */
  log: Logger;
  /** Deadlines and the outbox limit. */
  limits?: ConnectionLimits;
  /** Every close is a reset (SO_LINGER with 0 seconds); the transport must support it. */
  resetsOnClose?: boolean | undefined;
  /** The layers to add to the transport. */
  layers?: LayerSetup | undefined;
  /** Checks the deadlines; without it there are none. */
  deadlineTimer?: DeadlineTimer | undefined;
}

/** A logger with the fields of a connection: its number, the peer, and the proxy that reported the peer. */
function connectionLog(
  log: Logger,
  { id, remote, proxy }: { id: number; remote: Endpoint; proxy: Endpoint | undefined },
): Logger {
  const via = proxy === undefined ? {} : { proxy: formatEndpoint(proxy) };
  return log.with({ connection: id, peer: formatEndpoint(remote), ...via });
}

/** The two ends of a connection; layers may update them. */
export abstract class ConnectionEnds implements Peer {
  /** Number for log lines, unique per listener. */
  readonly id: number;
  /** The proxy that the socket is connected to, if any. */
  proxy: Endpoint | undefined;
  /** The topmost layer once all handshakes are complete. */
  protected transport: Transport;
  /** Set until all layers have been added. */
  #layers: LayeredTransport | undefined;
  #local: Endpoint;
  #remote: Endpoint;
  #tls: TlsFacts | undefined;
  #log: Logger | undefined;
  readonly #baseLog: Logger;

  /** Takes ownership of the transport. */
  constructor(transport: Transport, { id, local, remote, proxy, log, layers }: ConnectionInit) {
    this.id = id;
    this.#local = printable(local);
    this.#remote = printable(remote);
    this.proxy = proxy;
    this.#baseLog = log;
    if (layers !== undefined && layers.layers.length > 0) {
      this.#layers = new LayeredTransport(transport, layers, {
        peer: this,
        onLayered: (layered) => this.#onLayered(layered),
      });
    }
    this.transport = this.#layers ?? transport;
  }

  /** Closes the connection after a failed handshake and returns the error to throw. */
  protected abstract onHandshakeFailed(cause: unknown): Error;

  /** Our side. */
  get local(): Endpoint {
    return this.#local;
  }

  /** The peer's side. */
  get remote(): Endpoint {
    return this.#remote;
  }

  /** Includes the connection's number and the peer in every line. */
  get log(): Logger {
    return this.#log ??= connectionLog(this.#baseLog, this);
  }

  /** The results of the TLS handshake; `undefined` before it is complete, and without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** Whether a handshake is still to be done. */
  get needsHandshake(): boolean {
    return this.#layers !== undefined;
  }

  /**
   * Reads the peer's real address from a proxy's header; `undefined` if it is already known. Rejects like {@linkcode
   * handshake}.
   */
  identifyPeer(): Promise<void> | undefined {
    return this.#layers?.hidesPeer ? this.#runLayers((layers) => layers.identifyPeer()) : undefined;
  }

  /**
   * Completes the handshakes of all layers, such as TLS. `connect()` has already done it; on an accepted connection the
   * first read or write does it unless it is called explicitly.
   *
   * @throws {TlsError} The TLS handshake failed.
   * @throws {TimeoutError} The peer did not complete it in time.
   */
  async handshake(): Promise<void> {
    await this.#runLayers((layers) => layers.handshake());
  }

  async #runLayers(run: (layers: LayeredTransport) => Promise<void>): Promise<void> {
    if (this.#layers === undefined) return;
    try {
      await run(this.#layers);
    } catch (cause) {
      throw this.onHandshakeFailed(cause);
    }
  }

  #onLayered({ transport, local, remote, tls, isLast }: PutLayer): void {
    this.#tls = tls ?? this.#tls;
    if (local !== undefined) this.#local = printable(local);
    if (remote !== undefined) this.reportRemote(remote);
    if (!isLast) return;
    this.#layers = undefined;
    this.transport = transport;
  }

  /** Replaces {@linkcode remote} with the client that a trusted proxy reports. */
  reportRemote(remote: Endpoint): void {
    this.proxy ??= this.#remote;
    this.#remote = printable(remote);
    this.#log = undefined;
  }
}
