/**
 * What a readiness probe is: one exchange that proves that a server speaks its
 * own protocol and accepts clients.
 *
 * @module
 */

import type { Duration } from "../base/units.ts";
import { ParleyError } from "../base/errors.ts";
import type { ConnectOptions } from "../net/options.ts";
import type { Deadline } from "../net/deadline.ts";
import type { Endpoint } from "../net/endpoint.ts";

/** A parsed target. */
export interface ProbeTarget {
  /** As it is printed: without user information. */
  readonly text: string;
  /** The endpoint of a socket, where the target is one and not a URL of a protocol. */
  readonly endpoint?: Endpoint;
  readonly scheme: string;
  /** A name or an address, an IPv6 address without brackets; `""` for a file or a command. */
  readonly host: string;
  readonly port: number;
  /** From the first `/` on, still percent-encoded; for `file:` and `exec:` all that follows the scheme. */
  readonly path: string;
  /** The path without its first slash and the query, decoded: the name of a database, a virtual host, a service. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** User name and password of the target, decoded; `""` if there is none. */
  readonly user: string;
  readonly password: string;
  /** The connection is TLS from the first byte. */
  readonly isTls: boolean;
}

/** What a probe learned, for people and programs. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The server answered its own protocol, and said that it does not serve yet. */
export class NotReadyError extends ParleyError {
  /** `"NotReadyError"`. */
  override name = "NotReadyError";
}

/** A user name and a password, or a bearer token. */
export interface Credentials {
  /** May be empty, as for Redis. */
  readonly user: string;
  /** Never logged. */
  readonly password: string;
  /** Sent instead of both by protocols that know bearer tokens (RFC 6750). */
  readonly token?: string | undefined;
}

/** What a reply must contain; each probe checks what its protocol has. */
export interface ProbeExpectations {
  /** Streams, WebSocket, datagrams: what is sent first; by default nothing, over UDP an empty line. */
  readonly send?: Uint8Array | undefined;
  /** Streams, WebSocket, datagrams: what the server sends first must match. */
  readonly banner?: RegExp | undefined;
  /**
   * How long the server must stay as expected: streams and WebSocket
   * keep one connection open, the other protocols are probed again.
   */
  readonly stableFor?: Duration | undefined;
  /** TLS: days that the certificate must still be valid for. */
  readonly minDays?: number | undefined;
  /** TLS: minimum version, as in `TLSv1.3`. */
  readonly minTls?: string | undefined;
  /** WebSocket: one of these subprotocols must be agreed on. */
  readonly subprotocols?: readonly string[];
  /** HTTP and WebSocket: statuses that count as ready, for example `200-299,401`. */
  readonly status?: string | undefined;
  /** HTTP method. */
  readonly method?: string | undefined;
  /** HTTP and WebSocket: header lines, `Name: value`. */
  readonly headers?: readonly string[];
  /** Text that the body, or the file, must hold. */
  readonly body?: string | undefined;
  /** Pattern that the body, or the file, must match. */
  readonly bodyRegex?: RegExp | undefined;
  /** `PATH=VALUE`: a value in a JSON body, for example `checks.db[0].status=up`. */
  readonly bodyJson?: string | undefined;
  /** HTTP redirects to follow. */
  readonly maxRedirects?: number | undefined;
}

/** What a probe works with. */
export interface ProbeContext {
  readonly target: ProbeTarget;
  readonly expected: ProbeExpectations;
  /** By when the probe must have ended, and what ends it earlier. */
  readonly deadline: Deadline;
  /** With these the probe logs in; without them it only proves that the server accepts clients. */
  readonly login: Credentials | undefined;
  /** Whether the probe is repeated until the server is ready. */
  readonly isPolling?: boolean;
  /** TLS settings and the way there, for `connect()`. */
  readonly connect: Pick<ConnectOptions, "tls" | "handshakeTimeout" | "dialer" | "layers">;
  /** Called with what a TLS handshake agreed on. */
  readonly onTls?: (facts: Facts) => void;
}

/**
 * Probes once; resolves when the server is ready.
 *
 * @throws {NotReadyError} The server answered that it is not; its own words are in the message.
 * @throws {ParleyError} It could not be reached, or did not answer in its protocol.
 */
export type Probe = (context: ProbeContext) => Promise<Facts>;

/** One protocol in the registry. */
export interface ProbeDefinition {
  /** Schemes of its endpoints; the first is the usual one. */
  readonly schemes: readonly string[];
  /** Default port of each scheme, where the protocol has one. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Its endpoints are those of sockets, in the grammar that all commands share. */
  readonly isTransport?: boolean;
  /** Such a server accepts connections long before it serves. */
  readonly startsSlowly?: boolean;
  /** Schemes that are TLS from the first byte. */
  readonly tls?: readonly string[];
  /** Loads the protocol's file, so that a check loads only what it uses. */
  load(): Promise<{ readonly probe: Probe }>;
}

/** Makes a {@linkcode NotReadyError} with the server's own words. */
export function notReady(target: ProbeTarget, words: string, cause?: unknown): NotReadyError {
  return new NotReadyError(`${target.text} is not ready: ${words}`, { endpoint: target.text, cause });
}

/** The answer does not belong to the protocol, or is not what was asked for. */
export function unexpected(target: ProbeTarget, words: string, cause?: unknown): ParleyError {
  return new ParleyError(`${target.text} ${words}`, { endpoint: target.text, cause });
}
