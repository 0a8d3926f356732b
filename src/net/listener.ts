import type { Logger } from "../log/logger.ts";
import { Connection } from "./connection.ts";
import type { ConnectionLimits, DeadlineTimer } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint, isHostEndpoint, printable } from "./endpoint.ts";
import type { LayerSetup } from "./layered_transport.ts";
import { toSocketError } from "./socket_error.ts";
import type { SocketOptionApplier } from "./sockopt/socket_option_applier.ts";
import type { Transport } from "./transport.ts";

/** An accepted transport. */
export interface Accepted extends Transport {
  readonly remoteAddr: Deno.Addr;
  readonly localAddr?: Deno.Addr;
  setNoDelay?(isOn: boolean): void;
  setKeepAlive?(isOn: boolean): void;
}

/** The part of `Deno.Listener` that a listener needs; tests pass a fake. */
export interface Acceptor {
  /** The next connection; throws when the listener is closed. */
  accept(): Promise<Accepted>;
  /** Stops listening. */
  close(): void;
}

/** Combines several acceptors, for a name with several addresses. */
export function mergeAcceptors(acceptors: readonly Acceptor[]): Acceptor {
  const [only] = acceptors;
  if (only !== undefined && acceptors.length === 1) return only;
  const pending = new Map<Acceptor, Promise<{ acceptor: Acceptor; outcome: ReturnType<Acceptor["accept"]> }>>();
  return {
    async accept() {
      for (const acceptor of acceptors) {
        if (pending.has(acceptor)) continue;
        const outcome = acceptor.accept();
        const settled = () => ({ acceptor, outcome });
        pending.set(acceptor, outcome.then(settled, settled));
      }
      const { acceptor, outcome } = await Promise.race(pending.values());
      pending.delete(acceptor);
      return await outcome;
    },
    close() {
      for (const acceptor of acceptors) acceptor.close();
      // Accepted connections that were not taken have no other owner.
      for (const settling of pending.values()) {
        void settling.then(({ outcome }) => outcome).then((transport) => transport.close(), () => {});
      }
    },
  };
}

/** Options of {@linkcode Listener}. */
export interface ListenerInit<E extends Endpoint = Endpoint> {
  /** Where it listens, with the port that was picked. */
  endpoint: E;
  /** Carries the context. */
  log: Logger;
  /** Deadlines and the outbox limit of each connection. */
  limits?: ConnectionLimits;
  /** Every close is a reset. */
  resetsOnClose?: boolean | undefined;
  /** Checks the deadlines. */
  deadlineTimer?: DeadlineTimer | undefined;
  /** Numbers the connections; listeners may share it. */
  nextId?: (() => number) | undefined;
  /** Layers for each accepted transport, such as TLS. */
  layers?: LayerSetup | undefined;
  /** Sets socket options on each accepted connection; the listener disposes of it. */
  optionApplier?: SocketOptionApplier | undefined;
}

/** Listens on one endpoint and accepts {@linkcode Connection}s. */
export class Listener<E extends Endpoint = Endpoint> implements Disposable, AsyncIterable<Connection> {
  /** Where it listens, with the port that was picked. */
  readonly endpoint: E;
  /** Carries the context. */
  readonly log: Logger;
  readonly #acceptor: Acceptor;
  readonly #limits: ConnectionLimits;
  readonly #resetsOnClose: boolean | undefined;
  readonly #deadlineTimer: DeadlineTimer | undefined;
  readonly #nextId: () => number;
  readonly #layers: LayerSetup | undefined;
  readonly #optionApplier: SocketOptionApplier | undefined;
  #isClosed = false;

  /** Takes ownership of the acceptor. */
  constructor(acceptor: Acceptor, init: ListenerInit<E>) {
    this.#acceptor = acceptor;
    this.endpoint = printable(init.endpoint);
    this.log = init.log;
    this.#limits = init.limits ?? {};
    this.#resetsOnClose = init.resetsOnClose;
    this.#deadlineTimer = init.deadlineTimer;
    this.#nextId = init.nextId ?? counter();
    this.#layers = init.layers;
    this.#optionApplier = init.optionApplier;
  }

  /** Whether {@linkcode close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * The next connection, or `null` once the listener is closed.
   *
   * After an error, such as too many open files, the listener stays usable: wait briefly and accept again.
   */
  async accept(): Promise<Connection | null> {
    while (!this.#isClosed) {
      try {
        const connection = this.#adopt(await this.#acceptor.accept());
        if (this.log.isEnabled("trace")) connection.log.trace("accepted", { step: "accept" });
        return connection;
      } catch (error) {
        if (this.#isClosed) return null;
        // The client reset the connection before it was accepted: accept the next one.
        if (error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted) continue;
        // The client has bound its end of a Unix socket to a name that is not UTF-8: the runtime has closed it.
        if (error instanceof Deno.errors.InvalidData) continue;
        throw toSocketError(error, "accept on", formatEndpoint(this.endpoint));
      }
    }
    return null;
  }

  #adopt(transport: Accepted): Connection {
    try {
      transport.setNoDelay?.(true);
      // Keepalive: the kernel detects a dead peer even if no timeout is set.
      transport.setKeepAlive?.(true);
      const remote = remoteOf(transport.remoteAddr, this.endpoint);
      const connection = new Connection(transport, {
        id: this.#nextId(),
        local: this.endpoint,
        remote,
        log: this.log,
        limits: this.#limits,
        resetsOnClose: this.#resetsOnClose,
        layers: this.#layers,
        deadlineTimer: this.#deadlineTimer,
      });
      this.#optionApplier?.tryApply({
        local: localOf(transport, this.endpoint),
        remote,
        log: connection.log,
        closed: connection.closed,
        isAccepted: true,
      });
      return connection;
    } catch (error) {
      // For example reset before it was accepted; it has no other owner.
      transport.close();
      throw error;
    }
  }

  /** Accepts until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Connection> {
    for (let connection = await this.accept(); connection; connection = await this.accept()) yield connection;
  }

  /** Stops listening and removes a Unix socket's file; a second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#acceptor.close();
    this.#optionApplier?.[Symbol.dispose]();
    this.log.debug(`stopped listening on ${formatEndpoint(this.endpoint)}`);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The peer of an accepted connection, with the listener's scheme. */
function remoteOf(address: Deno.Addr, listening: Endpoint): Endpoint {
  if (address.transport !== "tcp" || !isHostEndpoint(listening)) {
    // The client's end of a Unix socket is unnamed.
    return listening;
  }
  const scheme: HostEndpoint["scheme"] = listening.scheme;
  return { scheme, host: address.hostname, port: address.port, path: "/" };
}

/** The exact local address of an accepted connection: the listener may be bound to all addresses. */
function localOf({ localAddr }: Accepted, listening: Endpoint): Endpoint {
  if (localAddr?.transport !== "tcp" || !isHostEndpoint(listening)) return listening;
  return { ...listening, host: localAddr.hostname, port: localAddr.port };
}

/** Counts 1, 2, 3, and so on. */
export function counter(): () => number {
  let last = 0;
  return () => ++last;
}
