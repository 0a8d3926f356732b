/**
 * A readiness probe: one exchange that proves that a server speaks its protocol and accepts clients.
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
  /** The URL as it is printed: without user information. */
  readonly text: string;
  /** The socket's endpoint, unless the target is a protocol URL. */
  readonly endpoint?: Endpoint;
  readonly scheme: string;
  /** Host name or IP address, IPv6 without brackets; `""` for a file or a command. */
  readonly host: string;
  readonly port: number;
  /** From the first `/` on, percent-encoded; for `file:` and `exec:`, everything after the scheme. */
  readonly path: string;
  /** The path without its first slash and the query, decoded: a database, virtual host or service name. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** User name and password of the target, decoded; `""` if there is none. */
  readonly user: string;
  readonly password: string;
  /** Whether the connection is TLS from the first byte. */
  readonly isTls: boolean;
}

/** What a probe learned, for reports. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The server answered in its protocol and reported that it is not ready yet. */
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
  /** Sent instead of both by protocols that support bearer tokens (RFC 6750). */
  readonly token?: string | undefined;
}

/** Expectations; each probe checks those that its protocol has. */
export interface ProbeExpectations {
  /** Streams, WebSocket, datagrams: data to send first; by default none, or an empty line over UDP. */
  readonly send?: Uint8Array | undefined;
  /** Streams, WebSocket, datagrams: pattern that the server's first output must match. */
  readonly banner?: RegExp | undefined;
  /**
   * How long the server must stay ready: streams and WebSocket keep one connection open, the other protocols are
   * probed again.
   */
  readonly stableFor?: Duration | undefined;
  /** TLS: minimum number of days until the certificate expires. */
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
  /** HTTP: `Name`, which the response must have, or `Name: text`, whose value must contain the text. */
  readonly responseHeaders?: readonly string[];
  /** Text that the body or the file must contain. */
  readonly body?: string | undefined;
  /** Pattern that the body or the file must match. */
  readonly bodyRegex?: RegExp | undefined;
  /** Value in a JSON body, as `PATH=VALUE`, for example `checks.db[0].status=up`. */
  readonly bodyJson?: string | undefined;
  /** Maximum number of HTTP redirects to follow. */
  readonly maxRedirects?: number | undefined;
}

/** The input of a probe. */
export interface ProbeContext {
  readonly target: ProbeTarget;
  readonly expected: ProbeExpectations;
  /** The deadline of the probe, with the signal that cancels it. */
  readonly deadline: Deadline;
  /** Credentials to log in with; without them the probe only proves that the server accepts clients. */
  readonly login: Credentials | undefined;
  /** Whether the probe is repeated until the server is ready. */
  readonly isPolling?: boolean;
  /** Options for `connect()`. */
  readonly connect: Pick<ConnectOptions, "tls" | "insecureWarned" | "handshakeTimeout" | "dialer" | "layers">;
  /** Called with the results of a TLS handshake. */
  readonly onTls?: (facts: Facts) => void;
}

/**
 * Probes once; resolves when the server is ready.
 *
 * @throws {NotReadyError} The server reported that it is not ready; the message contains its reason.
 * @throws {ParleyError} The server is unreachable, or does not speak the protocol.
 */
type Probe = (context: ProbeContext) => Promise<Facts>;

/** One protocol in the registry. */
export interface ProbeDefinition {
  /** Schemes of its endpoints; the first is used in examples. */
  readonly schemes: readonly string[];
  /** Default port of each scheme, where the protocol has one. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Whether its endpoints are socket endpoints, in the grammar that all commands share. */
  readonly isTransport?: boolean;
  /** Whether such a server accepts connections long before it is ready. */
  readonly startsSlowly?: boolean;
  /** Schemes that are TLS from the first byte. */
  readonly tls?: readonly string[];
  /** Imports the protocol's file, so that a check loads only the protocols that it uses. */
  load(): Promise<{ readonly probe: Probe }>;
}

/** Returns a {@linkcode NotReadyError} with the server's reason. */
export function notReady(target: ProbeTarget, words: string, cause?: unknown): NotReadyError {
  return new NotReadyError(`${target.text} is not ready: ${words}`, { endpoint: target.text, cause });
}

/** Returns an error for an answer that is not part of the protocol or not as expected. */
export function unexpected(target: ProbeTarget, words: string, cause?: unknown): ParleyError {
  return new ParleyError(`${target.text} ${words}`, { endpoint: target.text, cause });
}
