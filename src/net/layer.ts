/**
 * What a connection is made of: a dialer or a listener opens a transport, and
 * each layer puts another transport over it, as TLS does.
 *
 * @module
 */

import type { Logger } from "../log/logger.ts";
import type { Attempt } from "../base/errors.ts";
import type { DatagramSocket } from "./datagram.ts";
import type { Endpoint, HostEndpoint } from "./endpoint.ts";
import type { TlsFacts } from "./tls_facts.ts";
import type { Transport } from "./transport.ts";

/** The two ends of a connection, as far as the layers below know them. */
export interface Peer {
  /** The peer's side. */
  readonly remote: Endpoint;
  /** Our side. */
  readonly local: Endpoint;
  /** Every line of it names the peer. */
  readonly log: Logger;
}

/** The result of a layer: the transport above it. */
export interface Layered {
  /** Takes over the transport below: closing or resetting it closes or resets that one. */
  readonly transport: Transport;
  /** Replaces the peer's address. */
  readonly remote?: Endpoint;
  /** Replaces our address. */
  readonly local?: Endpoint;
  /** What a TLS handshake agreed on. */
  readonly tls?: TlsFacts;
}

/** Options of {@linkcode Layer.wrap}. */
export interface LayerOptions {
  /** Aborts when the connection is closed, also because the time is up; a pending read of the transport below then fails. */
  readonly signal: AbortSignal;
  /** What is left of the time of all handshakes, in milliseconds; the caller enforces it. */
  readonly timeoutMs: number;
}

/** Wraps a transport, after a handshake where it has one. A connection runs its layers once, in order. */
export interface Layer {
  /** What the log calls it, for example `TLS`. */
  readonly name: string;
  /** The layer may replace the peer's address: a server runs it before its gate. */
  readonly replacesPeer?: boolean;
  /**
   * Puts a transport over `inner`. It must read no byte of `inner` that is not
   * its own, or give it back as the first of the transport above. When it
   * rejects, the caller closes `inner`.
   */
  wrap(inner: Transport, peer: Peer, options: LayerOptions): Promise<Layered>;
}

/** Options of {@linkcode Dialer.dial}. */
export interface DialerOptions {
  /** Carries the context. */
  readonly log: Logger;
  /** For the resolver to answer. */
  readonly resolveTimeoutMs: number;
  /** Opens TCP so that the transport can be reset. */
  readonly canReset?: boolean | undefined;
  /** Called for each address that did not answer, also when another did. */
  readonly onAttemptFailed?: ((attempt: Attempt) => void) | undefined;
  /** Gives up with its reason. */
  readonly signal: AbortSignal;
}

/** A connected transport and its two ends. */
export interface Dialed {
  /** Connected; the caller closes it. */
  readonly transport: Transport;
  /** Our side. */
  readonly local: Endpoint;
  /** Who was reached: dialling it again reaches the same peer. */
  readonly remote: Endpoint;
  /** The proxy at the other end of the socket, if `remote` is behind one. */
  readonly proxy?: Endpoint | undefined;
}

/** Opens transports to endpoints: directly, or through a proxy that it reaches by another dialer. */
export interface Dialer {
  /** The scheme says no more than TCP or Unix here: TLS and WebSocket are put over the transport. */
  dial(to: Endpoint, options: DialerOptions): Promise<Dialed>;
  /**
   * Opens a socket for datagrams to one target, which replies name as it is named here. A dialer without it
   * carries no datagrams.
   */
  associate?(to: HostEndpoint, options: DialerOptions): Promise<DatagramSocket>;
}
