/**
 * Sockets for Deno with deadlines, framing, error classes, and a context in every log line.
 *
 * @module
 */

import "./log/logtape.ts";

export * from "./base/errors.ts";
export { Backoff, type BackoffOptions } from "./base/backoff.ts";
export { ByteBuilder } from "./base/byte_builder.ts";
export { seededRandom } from "./base/random.ts";
export { type Duration, formatDuration, formatSize, parseDuration, parseSize, type Size } from "./base/units.ts";
export { bind, connect, listen } from "./factory.ts";
export type {
  BindOptions,
  ConnectOptions,
  KernelOptions,
  ListenOptions,
  SocketOptions,
  StreamOptions,
} from "./net/options.ts";
export * from "./framing/mod.ts";
export { type Cidr, isInCidr, parseCidr } from "./base/cidr.ts";
export { configureLogging, type LoggingOptions } from "./log/configure.ts";
export { LOG_LEVELS, type LogFields, Logger, type LogLevel } from "./log/logger.ts";
export type { CloseReason } from "./net/close_reason.ts";
export { Connection } from "./net/connection.ts";
export type { ConnectionEnds, ConnectionInit } from "./net/connection_ends.ts";
export type { ConnectionLifetime } from "./net/connection_lifetime.ts";
export type { ConnectionLimits } from "./net/deadline_timer.ts";
export type { LayerSetup } from "./net/layered_transport.ts";
export type { Dialed, Dialer, DialerOptions, Layer, Layered, LayerOptions, Peer } from "./net/layer.ts";
export type { Transport } from "./net/transport.ts";
export { type Datagram, type DatagramInit, DatagramSocket, type DatagramTransport } from "./net/datagram.ts";
export {
  type Endpoint,
  formatEndpoint,
  type HostEndpoint,
  type HostEndpointText,
  parseEndpoint,
  type ParseEndpointOptions,
  type PathEndpoint,
} from "./net/endpoint.ts";
export type { SocketEnds } from "./net/sockopt/find_descriptor.ts";
export { findFreePort, type FreePortOptions } from "./net/find_free_port.ts";
export { isReachable, type ReachableOptions } from "./net/is_reachable.ts";
export { Listener } from "./net/listener.ts";
export { pipe } from "./net/pipe.ts";
export { ConnectionPool, type PoolOptions, type PoolOverflow } from "./net/pool.ts";
export { PoolLease } from "./net/pool_lease.ts";
export { readExactly } from "./net/read_exactly.ts";
export { START_TLS_PROTOCOLS, type StartTlsDialogue, type StartTlsProtocol } from "./net/layers/start_tls.ts";
export type { TlsClientOptions } from "./net/layers/tls_client.ts";
export { type CertificateFacts, daysLeft } from "./net/tls_certificate.ts";
export type { CertificateFault } from "./net/tls_certificate_fault.ts";
export type { TlsFacts } from "./net/tls_facts.ts";
export { TlsServerContext, type TlsServerOptions } from "./net/layers/tls_server.ts";
export { retry, type RetryOptions } from "./net/retry.ts";
export { resolve, type ResolvedAddress, type ResolveOptions } from "./net/resolve.ts";
export type { WaitOptions } from "./net/wait.ts";
export { writeAll, type WriteTarget } from "./net/write_all.ts";
export {
  getSocketOptions,
  type KeepAlive,
  openSocketOptions,
  type OptionSocket,
  setSocketOptions,
  type SocketOptionReport,
  type SocketOptionsAccess,
  type SocketOptionValues,
} from "./net/sockopt/socket_options.ts";
export { ResettableConn, Resetter } from "./net/sockopt/resetter.ts";
export type { TcpInfo } from "./net/sockopt/tcp_info.ts";
export { dial, type DialOptions, openSession } from "./dial.ts";
export type { Framer } from "./session/framer.ts";
export type { StreamSessionOptions } from "./session/stream_session.ts";
export type { FinishOptions, Message, OwnMessage, Session } from "./session/session.ts";
export type { WebSocketDialOptions } from "./websocket/dial.ts";
export { CLOSE_CODE, type CloseFrame } from "./session/close_code.ts";
