import type { ConnectOptions } from "../../../factory.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { probeDatagram } from "./datagram_probe.ts";
import { probeStream } from "./stream_probe.ts";
import { probeWebSocket } from "./websocket_probe.ts";

/** What a probe learned, for people and programs. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What must hold, beside that somebody is there. */
export interface Expectations {
  /** What is sent first; without it nothing is, but over UDP an empty line. */
  readonly send: Uint8Array | undefined;
  /** What the peer says first must match. */
  readonly banner: RegExp | undefined;
  /** The peer must keep the connection open that long, in milliseconds; `undefined` is the default of the transport. */
  readonly stableForMs: number | undefined;
  /** The certificate must be valid for that many days more. */
  readonly minDays: number | undefined;
  /** Least version of TLS, as in `TLSv1.3`. */
  readonly minTls: string | undefined;
  /** One of these subprotocols must be agreed on, where there are any. */
  readonly subprotocols: readonly string[];
  /** HTTP status of the answer to a WebSocket handshake. */
  readonly status: number;
  /** Whether the check is repeated until the peer is there. */
  readonly isPolling?: boolean;
  /** How to connect. */
  readonly connect: Pick<ConnectOptions, "tls" | "handshakeTimeout">;
}

/**
 * Looks once whether an endpoint is as expected.
 *
 * @throws {ParleyError} It is not, or nobody is there.
 */
export type Probe = (endpoint: Endpoint, expected: Expectations, deadline: Deadline) => Promise<Facts>;

const PROBES: Readonly<Partial<Record<Endpoint["scheme"], Probe>>> = {
  tcp: probeStream,
  unix: probeStream,
  tls: probeStream,
  ws: probeWebSocket,
  wss: probeWebSocket,
  udp: probeDatagram,
  unixgram: probeDatagram,
};

/**
 * The probe for an endpoint's transport.
 *
 * @throws {SyntaxError} There is none.
 */
export function probeFor(endpoint: Endpoint): Probe {
  const probe = PROBES[endpoint.scheme];
  if (probe) return probe;
  const known = Object.keys(PROBES).join(", ");
  throw new SyntaxError(`Cannot check "${formatEndpoint(endpoint)}": known are ${known}`);
}
