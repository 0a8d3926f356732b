/**
 * The parts of a connection: a dialer or a listener opens a transport, and each layer, such as TLS, wraps it in
 * another.
 *
 * @module
 */

import type { Logger } from "../log/logger.ts";
import type { Attempt } from "../base/errors.ts";
import type { DatagramSocket } from "./datagram.ts";
import type { Endpoint, HostEndpoint } from "./endpoint.ts";
import type { Resetter } from "./sockopt/resetter.ts";
import type { TlsFacts } from "./tls_facts.ts";
import type { Transport } from "./transport.ts";

/** The two ends of a connection as known to the layers below. */
export interface Peer {
  /** The peer's side. */
  readonly remote: Endpoint;
  /** Our side. */
  readonly local: Endpoint;
  /** Includes the peer in every line. */
  readonly log: Logger;
}

/** The result of a layer. */
export interface Layered {
  /** The new transport, which owns the one below: closing or resetting it closes or resets that one. */
  readonly transport: Transport;
  /** Replaces the peer's address. */
  readonly remote?: Endpoint;
  /** Replaces our address. */
  readonly local?: Endpoint;
  /** The results of a TLS handshake. */
  readonly tls?: TlsFacts;
}

/** Options of {@linkcode Layer.wrap}. */
export interface LayerOptions {
  /** Aborts when the connection is closed or the time is up; a pending read of the transport below then fails. */
  readonly signal: AbortSignal;
  /** Remaining time for all handshakes in milliseconds; the caller enforces it. */
  readonly timeoutMs: number;
}

/** Wraps a transport, after a handshake if it has one. A connection runs its layers once, in order. */
export interface Layer {
  /** Name for log lines, for example `TLS`. */
  readonly name: string;
  /** The layer may replace the peer's address, so a server runs it before access checks. */
  readonly replacesPeer?: boolean;
  /**
   * Wraps `inner`. The new transport must return all bytes that were read beyond the handshake. On rejection the caller
   * closes `inner`.
   */
  wrap(inner: Transport, peer: Peer, options: LayerOptions): Promise<Layered>;
}

/** Options of {@linkcode Dialer.dial}. */
export interface DialerOptions {
  /** Carries the context. */
  readonly log: Logger;
  /** Time limit for name resolution. */
  readonly resolveTimeoutMs: number;
  /** The TCP transport must support a reset, by the resetter if there is one. */
  readonly canReset?: boolean | Resetter | undefined;
  /** Called for each failed address, even if another succeeds. */
  readonly onAttemptFailed?: ((attempt: Attempt) => void) | undefined;
  /** Aborts with its reason. */
  readonly signal: AbortSignal;
}

/** A connected transport and its two ends. */
export interface Dialed {
  /** The caller closes it. */
  readonly transport: Transport;
  /** Our side. */
  readonly local: Endpoint;
  /** The peer; dialing this endpoint again reaches the same one. */
  readonly remote: Endpoint;
  /** The proxy that the socket is connected to, if any. */
  readonly proxy?: Endpoint | undefined;
}

/** Opens transports to endpoints, directly or through a proxy. */
export interface Dialer {
  /** Only distinguishes TCP and Unix sockets; TLS and WebSocket are layered on top. */
  dial(to: Endpoint, options: DialerOptions): Promise<Dialed>;
  /**
   * Opens a socket for datagrams to one target, which replies name by the same name. A dialer without it
   * carries no datagrams.
   */
  associate?(to: HostEndpoint, options: DialerOptions): Promise<DatagramSocket>;
}
