import type { Logger } from "../log/logger.ts";
import type { ConnectionLimits, DeadlineTimer } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint, printable } from "./endpoint.ts";
import type { Peer } from "./layer.ts";
import { LayeredTransport, type LayerSetup, type PutLayer } from "./layered_transport.ts";
import type { TlsFacts } from "./tls_facts.ts";
import type { Transport } from "./transport.ts";

/** What the opener of a connection knows about it. */
export interface ConnectionInit {
  /** A number for log lines, unique among the connections of its listener. */
  id: number;
  /** Our side. */
  local: Endpoint;
  /** The peer's side. */
  remote: Endpoint;
  /** The proxy at the other end of the socket. */
  proxy?: Endpoint | undefined;
  /** Carries the context. */
  log: Logger;
  /** Deadlines and the outbox limit. */
  limits?: ConnectionLimits;
  /** Every close is a reset, as SO_LINGER with 0 seconds says; the transport must be able to. */
  resetsOnClose?: boolean | undefined;
  /** What is yet to be put over the transport. */
  layers?: LayerSetup | undefined;
  /** Who checks the deadlines; without it there are none. */
  deadlineTimer?: DeadlineTimer | undefined;
}

/** A logger whose every line names the connection, its peer, and the proxy that has reported the peer. */
function connectionLog(
  log: Logger,
  { id, remote, proxy }: { id: number; remote: Endpoint; proxy: Endpoint | undefined },
): Logger {
  const via = proxy === undefined ? {} : { proxy: formatEndpoint(proxy) };
  return log.with({ connection: id, peer: formatEndpoint(remote), ...via });
}

/** The two ends of a connection, as its layers make them known. */
export abstract class ConnectionEnds implements Peer {
  /** A number for log lines, unique among the connections of its listener. */
  readonly id: number;
  /** The other end of the socket, if that is a proxy before the peer. */
  proxy: Endpoint | undefined;
  /** What is read and written: the topmost layer, once every handshake is done. */
  protected transport: Transport;
  /** Present until every layer has been put over the transport. */
  #layers: LayeredTransport | undefined;
  #local: Endpoint;
  #remote: Endpoint;
  #tls: TlsFacts | undefined;
  #log: Logger | undefined;
  readonly #baseLog: Logger;

  /** Takes over the transport. */
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

  /** Closes the connection after a handshake has failed; the result is the error to throw. */
  protected abstract onHandshakeFailed(cause: unknown): Error;

  /** Our side. */
  get local(): Endpoint {
    return this.#local;
  }

  /** The peer's side. */
  get remote(): Endpoint {
    return this.#remote;
  }

  /** Every line of it names the connection and the peer. */
  get log(): Logger {
    return this.#log ??= connectionLog(this.#baseLog, this);
  }

  /** What the TLS handshake agreed on; `undefined` before it is done, and without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** Whether {@linkcode handshake} has something to do. */
  get needsHandshake(): boolean {
    return this.#layers !== undefined;
  }

  /** Learns the peer's true address from the proxy before it; `undefined` if it is known. It rejects as {@linkcode handshake} does. */
  identifyPeer(): Promise<void> | undefined {
    return this.#layers?.hidesPeer ? this.#runLayers((layers) => layers.identifyPeer()) : undefined;
  }

  /**
   * Completes the handshakes of all layers, such as TLS; at once where there
   * are none. `connect()` has done so; for an accepted connection it is to be
   * called before the next thing, or the first read or write does it.
   *
   * @throws {TlsError} Its reason says why.
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

  /** Replaces {@linkcode remote} by the client that a trusted proxy reports. */
  reportRemote(remote: Endpoint): void {
    this.proxy ??= this.#remote;
    this.#remote = printable(remote);
    this.#log = undefined;
  }
}
