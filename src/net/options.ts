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
   * Names the part of a program that owns the socket; every log line of it
   * carries the name.
   *
   * @default {"parley"}
   */
  context?: string;
}

/** Deadlines of a stream; text such as `"5s"`, or milliseconds. */
export interface StreamOptions extends SocketOptions {
  /** From the opening to the peer's first byte. */
  firstByteTimeout?: Duration;
  /** Since anything came or went. */
  idleTimeout?: Duration;
  /** From the opening to the end. */
  totalTimeout?: Duration;
  /**
   * For the peer to take what is being written.
   *
   * @default {"10s"}
   */
  writeTimeout?: Duration;
  /**
   * Most bytes that `send()` queues for the peer.
   *
   * @default {1048576}
   */
  outboxBytes?: number;
  /**
   * Opens TCP so that `Connection.reset()` can send a reset. Such sockets are
   * slower, and a listener takes connections from the kernel as they come; with
   * a {@linkcode Resetter} neither is so. TLS always uses them, because it is
   * faster on them.
   *
   * @default {false}
   */
  canReset?: boolean | Resetter;
  /** Layers between the socket and TLS, such as a PROXY header, in order. */
  layers?: readonly Layer[];
  /** Layers over the socket and its TLS, in order. */
  layersAboveTls?: readonly Layer[];
  /**
   * Logs what is received and sent, if the level `trace` is logged; not for what holds secrets.
   *
   * @default {true}
   */
  isTraced?: boolean;
  /** Checks the deadlines of many sockets together; by default each listener has its own, and client connections share one. */
  deadlineTimer?: DeadlineTimer;
}

/** Options that a socket has in the kernel. */
export interface KernelOptions {
  /** Buffer sizes, keep-alive and what else Deno's API lacks; it needs `--allow-ffi`. */
  socketOptions?: SocketOptionValues | undefined;
}

/** Options of {@linkcode listen}. */
export interface ListenOptions extends StreamOptions, KernelOptions {
  /**
   * Connections that may wait to be accepted.
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
  /** Numbers the connections; listeners that share one never give the same number twice. */
  nextId?: () => number;
  /** Certificate and key for `tls` and `wss`; a {@linkcode TlsServerContext} can be given another while it listens. */
  tls?: TlsServerContext | TlsServerOptions;
  /**
   * For a client to complete the TLS handshake.
   *
   * @default {"5s"}
   */
  handshakeTimeout?: Duration;
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends StreamOptions, KernelOptions {
  /**
   * For one of the host's addresses to answer.
   *
   * @default {"10s"}
   */
  connectTimeout?: Duration;
  /**
   * For the resolver to answer.
   *
   * @default {"5s"}
   */
  resolveTimeout?: Duration;
  /** For `tls` and `wss`: what is trusted, and what is shown. */
  tls?: TlsClientOptions;
  /**
   * Level of the log line that says that the certificate is not checked: it is needed once, not for every connection.
   *
   * @default {"warning"}
   */
  insecureLogLevel?: "warning" | "debug" | undefined;
  /**
   * For the server to complete the TLS handshake.
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
  /** Called for each address that did not answer, even if another one did. */
  onAttemptFailed?: (attempt: Attempt) => void;
  /** Gives up with its reason. */
  signal?: AbortSignal;
}

/** Options of {@linkcode bind}. */
export interface BindOptions extends SocketOptions, KernelOptions {
  /**
   * Most bytes of a datagram that are received; a longer one is marked as truncated.
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
   * Multicast groups to join, as addresses; a socket that is bound to a group's address joins that group anyway.
   *
   * @default {[]}
   */
  groups?: readonly string[];
  /**
   * The interface on which groups are joined: its address for IPv4, its index
   * for IPv6. By default that of the system's default route.
   */
  interface?: string;
  /** How many routers a datagram to a joined IPv4 group may cross; the system's default is 1. */
  ttl?: number;
  /**
   * Whether what is sent to a multicast group comes back to this machine.
   *
   * @default {true}
   */
  loopback?: boolean;
  /**
   * Level of the log line that says where it is bound: a sender's port is of less interest than a server's.
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
