/**
 * Options of the sockets that the factory opens.
 *
 * @module
 */

import type { Attempt } from "../base/errors.ts";
import type { Duration } from "../base/units.ts";
import type { DeadlineTimer } from "./deadline_timer.ts";
import type { Dialer, Layer } from "./layer.ts";
import type { TlsClientOptions } from "./layers/tls_client.ts";
import type { TlsServerContext, TlsServerOptions } from "./layers/tls_server.ts";
import type { Resetter } from "./sockopt/resetter.ts";
import type { SocketOptionValues } from "./sockopt/socket_options.ts";

/** Options of every socket. */
export interface SocketOptions {
  /**
   * Name of the part of the program that owns the socket, for the log.
   *
   * @default {"parley"}
   */
  context?: string;
}

/** Deadlines of a stream; text such as `"5s"`, or milliseconds. */
export interface StreamOptions extends SocketOptions {
  /** For the first byte from the peer. */
  firstByteTimeout?: Duration;
  /** Without data in either direction. */
  idleTimeout?: Duration;
  /** Maximum lifetime. */
  totalTimeout?: Duration;
  /**
   * For the peer to accept written data.
   *
   * @default {"10s"}
   */
  writeTimeout?: Duration;
  /**
   * Maximum bytes that `send()` queues.
   *
   * @default {1048576}
   */
  outboxBytes?: number;
  /**
   * Opens TCP sockets that `Connection.reset()` can reset. They are slower, and a listener accepts without
   * backpressure; neither applies with a {@linkcode Resetter}. TLS always uses such sockets, because it is faster on
   * them.
   *
   * @default {false}
   */
  canReset?: boolean | Resetter;
  /** Layers between the socket and TLS, such as a PROXY header, in order. */
  layers?: readonly Layer[];
  /** Layers over the socket and its TLS, in order. */
  layersAboveTls?: readonly Layer[];
  /**
   * Logs received and sent data at the level `trace`; `false` if the data contains secrets.
   *
   * @default {true}
   */
  isTraced?: boolean;
  /** Checks the deadlines of several sockets; by default each listener has its own, and client connections share one. */
  deadlineTimer?: DeadlineTimer;
}

/** Options that are set in the kernel. */
export interface KernelOptions {
  /** Buffer sizes, keep-alive and others that Deno's API lacks; requires `--allow-ffi`. */
  socketOptions?: SocketOptionValues | undefined;
}

/** Options of {@linkcode listen}. */
export interface ListenOptions extends StreamOptions, KernelOptions {
  /**
   * Maximum connections that wait to be accepted.
   *
   * @default {4096}
   */
  backlog?: number;
  /**
   * Lets several processes share the port (Linux).
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * Mode of a Unix socket's file.
   *
   * @default {0o600}
   */
  mode?: number;
  /** Numbers the connections; listeners can share it for unique numbers. */
  nextId?: () => number;
  /** Certificate and key for `tls` and `wss`; those of a {@linkcode TlsServerContext} can be replaced while listening. */
  tls?: TlsServerContext | TlsServerOptions;
  /**
   * For the TLS handshake of a client.
   *
   * @default {"5s"}
   */
  handshakeTimeout?: Duration;
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends StreamOptions, KernelOptions {
  /**
   * For a connection to one of the host's addresses.
   *
   * @default {"10s"}
   */
  connectTimeout?: Duration;
  /**
   * For the name resolution.
   *
   * @default {"5s"}
   */
  resolveTimeout?: Duration;
  /** For `tls` and `wss`: trusted certificates and the client certificate. */
  tls?: TlsClientOptions;
  /** Endpoints whose unverified certificate was warned about; each is added, and logged at `debug` from then on. */
  insecureWarned?: Set<string>;
  /**
   * For the TLS handshake with the server.
   *
   * @default {"5s"}
   */
  handshakeTimeout?: Duration;
  /**
   * Opens the transport, for example through a proxy.
   *
   * @default {a direct connection}
   */
  dialer?: Dialer;
  /** Called for each failed address, even if another one succeeds. */
  onAttemptFailed?: (attempt: Attempt) => void;
  /** Cancels connecting, with its reason. */
  signal?: AbortSignal;
}

/** Options of {@linkcode bind}. */
export interface BindOptions extends SocketOptions, KernelOptions {
  /**
   * Maximum bytes received of a datagram; a longer one is marked as truncated.
   *
   * @default {65507}
   */
  maxBytes?: number;
  /**
   * Lets several processes bind the address, as listeners of one multicast group must.
   *
   * @default {false}
   */
  reuseAddress?: boolean;
  /**
   * Addresses of multicast groups to join, besides the one that the socket is bound to.
   *
   * @default {[]}
   */
  groups?: readonly string[];
  /**
   * Interface for the groups: its address for IPv4, its index for IPv6; by default that of the default route.
   */
  interface?: string;
  /** TTL of datagrams to a joined IPv4 group; 1 by default. */
  ttl?: number;
  /**
   * Whether datagrams to a multicast group are also delivered on this machine.
   *
   * @default {true}
   */
  loopback?: boolean;
  /**
   * Log level of the bound address: a sender's matters less than a server's.
   *
   * @default {"info"}
   */
  boundLogLevel?: "info" | "debug";
  /**
   * Mode of a Unix socket's file.
   *
   * @default {0o600}
   */
  mode?: number;
}
