/**
 * One function for each kind of socket. Every socket of the programs and of the library is opened here.
 *
 * @module
 */

import { DEFAULTS } from "./base/defaults.ts";
import { TimeoutError } from "./base/errors.ts";
import { type Duration, formatDuration, parseDuration } from "./base/units.ts";
import { Logger } from "./log/logger.ts";
import { Connection } from "./net/connection.ts";
import type { DatagramSocket } from "./net/datagram.ts";
import { type ConnectionLimits, DeadlineTimer } from "./net/deadline_timer.ts";
import {
  type Endpoint,
  formatEndpoint,
  type HostEndpoint,
  type HostEndpointText,
  isHostEndpoint,
  isSecure,
  isStream,
  parseEndpoint,
} from "./net/endpoint.ts";
import type { Listener } from "./net/listener.ts";
import type { SocketOptionApplier } from "./net/sockopt/socket_option_applier.ts";
import { directDialer } from "./net/direct_dialer.ts";
import type { Dialer, Layer } from "./net/layer.ts";
import { handshakeTraceLayer, traceLayer } from "./net/layers/trace.ts";
import type { BindOptions, ConnectOptions, KernelOptions, ListenOptions, StreamOptions } from "./net/options.ts";
import { bindUdp, bindUnixDatagram, LISTEN_DEFAULTS, listenTcp, listenUnix } from "./net/open.ts";
import { SOCKET_MODE } from "./net/unix.ts";
import { onAbort, startTimer } from "./net/wait.ts";

/**
 * Listens on `tcp`, `tls` or `unix`, or on the TCP or TLS under `ws` and `wss`; `acceptWebSocket()` or `serve()` opens
 * sessions on such connections. Addresses can be reused at once after a restart (`SO_REUSEADDR`), and accepted
 * connections do not delay small writes (`TCP_NODELAY`).
 *
 * @example A listener and its first connection
 * ```ts
 * import { connect, listen } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0", { context: "HTTP API" });
 * await using client = await connect(listener.endpoint);
 * await using served = await listener.accept();
 * await client.write("hello");
 * assertEquals(new TextDecoder().decode(await served!.read() ?? undefined), "hello");
 * ```
 *
 * @throws {SyntaxError} The endpoint cannot be parsed.
 * @throws {BindError} The address is in use, not permitted, or not available on this machine.
 * @throws {PermissionError} Deno lacks the permission.
 */
export function listen(
  endpoint: HostEndpointText | HostEndpoint,
  options?: ListenOptions,
): Promise<Listener<HostEndpoint>>;
/** Listens on an endpoint of any stream kind. */
export function listen(endpoint: string | Endpoint, options?: ListenOptions): Promise<Listener>;
export async function listen(endpoint: string | Endpoint, options: ListenOptions = {}): Promise<Listener> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (!isStream(parsed)) throw unsupported("listen on", parsed, "tcp, tls, unix, ws, wss or ws+unix");
  const limits = limitsOf(options);
  const log = Logger.of(options.context ?? "parley");
  const handshakeTimeout = options.handshakeTimeout ?? DEFAULTS.handshakeTimeoutMs;
  const tls = isSecure(parsed) ? [await tlsServerLayer(parsed, options)] : [];
  const setup = {
    log,
    limits,
    deadlineTimer: options.deadlineTimer ?? DeadlineTimer.for(deadlinesOf(limits)),
    ...resetSetup(parsed, options),
    backlog: options.backlog ?? LISTEN_DEFAULTS.backlog,
    reusePort: options.reusePort ?? LISTEN_DEFAULTS.reusePort,
    mode: options.mode ?? LISTEN_DEFAULTS.mode,
    nextId: options.nextId,
    layers: { layers: stack(options, tls, log), timeoutMs: parseDuration(handshakeTimeout) },
  };
  for (const step of ["socket", "bind", "listen"]) setup.log.trace(`${step} ${formatEndpoint(parsed)}`, { step });
  const optionApplier = await optionApplierOf(options);
  let listener: Listener;
  try {
    const whole = { ...setup, optionApplier };
    listener = isHostEndpoint(parsed) ? await listenTcp(parsed, whole) : await listenUnix(parsed, whole);
  } catch (error) {
    optionApplier?.[Symbol.dispose]();
    throw error;
  }
  setup.log.info(`listening on ${formatEndpoint(listener.endpoint)}`);
  return listener;
}

/**
 * Connects over `tcp`, `tls` or `unix`, or over the TCP or TLS under `ws` and `wss`. The IPv6 and IPv4 addresses of a
 * name are raced (RFC 8305).
 *
 * @throws {SyntaxError} The endpoint cannot be parsed.
 * @throws {ResolveError} The name has no address.
 * @throws {RefusedError} No address accepts the connection; `attempts` has the reason for each.
 * @throws {TlsError} The handshake failed; see `reason`.
 * @throws {TimeoutError} A deadline passed; see `phase`.
 */
export async function connect(endpoint: string | Endpoint, options: ConnectOptions = {}): Promise<Connection> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (!isStream(parsed)) throw unsupported("connect to", parsed, "tcp, tls, unix, ws, wss or ws+unix");
  const text = formatEndpoint(parsed);
  const connectTimeoutMs = parseDuration(options.connectTimeout ?? DEFAULTS.connectTimeoutMs);
  const limits = limitsOf(options);
  const log = Logger.of(options.context ?? "parley");
  const deadline = new AbortController();
  const timer = startTimer(connectTimeoutMs, () => {
    const message = `Cannot connect to ${text}: no answer within ${formatDuration(Math.round(connectTimeoutMs))}`;
    deadline.abort(new TimeoutError("connect", message, { endpoint: text, afterMs: connectTimeoutMs }));
  });
  // One controller instead of AbortSignal.any(), which costs more than the other objects of a connection together.
  const { signal } = deadline;
  const abortion = onAbort(options.signal, () => deadline.abort(options.signal?.reason));
  let connection: Connection;
  try {
    log.debug(`connecting to ${text}`);
    const dialer = options.dialer ?? directDialer;
    const handshakeTimeout = options.handshakeTimeout ?? DEFAULTS.handshakeTimeoutMs;
    const layers = stack(options, isSecure(parsed) ? await tlsClientLayers(parsed, dialer, options, log) : [], log);
    const { canReset, resetsOnClose } = resetSetup(parsed, options);
    const { transport, ...ends } = await dialer.dial(parsed, {
      log,
      canReset,
      resolveTimeoutMs: parseDuration(options.resolveTimeout ?? DEFAULTS.resolveTimeoutMs),
      onAttemptFailed: options.onAttemptFailed,
      signal,
    });
    connection = new Connection(transport, {
      ...ends,
      id: 1,
      log,
      limits,
      resetsOnClose,
      deadlineTimer: options.deadlineTimer ?? DeadlineTimer.sharedFor(deadlinesOf(limits)),
      layers: { layers, timeoutMs: parseDuration(handshakeTimeout), endpoint: text },
    });
  } finally {
    timer[Symbol.dispose]();
    abortion[Symbol.dispose]();
  }
  try {
    if (options.socketOptions !== undefined) {
      using optionApplier = await optionApplierOf(options);
      optionApplier?.apply(connection);
    }
    if (connection.needsHandshake) await handshake(connection, options.signal);
  } catch (error) {
    connection.close("error");
    throw error;
  }
  connection.log.debug("connected");
  return connection;
}

/**
 * Binds a datagram socket on `udp` (RFC 768) or `unixgram`. Datagrams are received whole, one at a time, as
 * `{ data, from, isTruncated }`: `data` has 0 to `maxBytes` bytes, in a view that the next receive overwrites, and
 * `from` is the endpoint to reply to.
 *
 * There is no backpressure and no queue in the process: datagrams wait in the kernel's buffer, and those that do not
 * fit are lost. `send()` settles when the kernel has accepted the datagram, which does not mean that it arrives; its
 * maximum size is 65,507 bytes.
 *
 * To join a multicast group, bind to its address or use `groups`.
 *
 * @example A datagram to oneself
 * ```ts
 * import { bind } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * await using socket = await bind("udp://127.0.0.1:0", { context: "telemetry" });
 * await socket.send(Uint8Array.of(1, 2, 3), socket.endpoint);
 * assertEquals((await socket.receive())?.data, Uint8Array.of(1, 2, 3));
 * ```
 *
 * @example An echo server that ends after two datagrams
 * ```ts
 * import { bind } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await bind("udp://127.0.0.1:0");
 * await using client = await bind("udp://127.0.0.1:0");
 * for (const byte of [1, 2]) await client.send(Uint8Array.of(byte), server.endpoint);
 * let served = 0;
 * for await (const { data, from } of server) {
 *   if (from) await server.send(data, from);
 *   if (++served === 2) break;
 * }
 * assertEquals((await client.receive({ timeout: "5s" }))?.data, Uint8Array.of(1));
 * ```
 *
 * @throws {SyntaxError} The endpoint cannot be parsed.
 * @throws {BindError} The address is in use, not permitted, or not of this machine.
 */
export function bind(
  endpoint: HostEndpointText | HostEndpoint,
  options?: BindOptions,
): Promise<DatagramSocket<HostEndpoint>>;
/** Binds a datagram socket of any kind. */
export function bind(endpoint: string | Endpoint, options?: BindOptions): Promise<DatagramSocket>;
export async function bind(endpoint: string | Endpoint, options: BindOptions = {}): Promise<DatagramSocket> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint, { scheme: "udp" }) : endpoint;
  const setup = {
    log: Logger.of(options.context ?? "parley"),
    maxBytes: options.maxBytes ?? DEFAULTS.datagramBytes,
    reuseAddress: options.reuseAddress ?? false,
    loopback: options.loopback ?? true,
    mode: options.mode ?? SOCKET_MODE,
    multicast: { groups: options.groups ?? [], interface: options.interface, ttl: options.ttl },
  };
  using optionApplier = await optionApplierOf(options);
  const socket = await openDatagramSocket(parsed, setup);
  try {
    optionApplier?.apply(socket);
  } catch (error) {
    socket.close();
    throw error;
  }
  setup.log[options.boundLogLevel ?? "info"](`bound to ${formatEndpoint(socket.endpoint)}`);
  return socket;
}

/**
 * The runtime's own sockets half-close the stream before they close, whatever SO_LINGER is. TLS uses sockets that can
 * be reset in any case, because it is faster on them.
 */
function resetSetup(endpoint: Endpoint, { canReset = false, socketOptions }: StreamOptions & KernelOptions) {
  const resetsOnClose = socketOptions?.linger === 0;
  if (isSecure(endpoint)) return { canReset: true, resetsOnClose };
  return { canReset: canReset === false ? resetsOnClose : canReset, resetsOnClose };
}

/** Imported on demand, so that most programs do not need `--allow-ffi`. */
async function optionApplierOf({ socketOptions }: KernelOptions): Promise<SocketOptionApplier | undefined> {
  if (socketOptions === undefined) return undefined;
  const { linger, ...rest } = socketOptions;
  // To close with a reset depends only on how the socket is opened, and needs no permission.
  const values = linger === 0 ? rest : socketOptions;
  if (Object.values(values).every((value) => value === undefined)) return undefined;
  const { SocketOptionApplier } = await import("./net/sockopt/socket_option_applier.ts");
  return new SocketOptionApplier(values);
}

async function handshake(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  using _end = onAbort(signal, () => connection.close("aborted", signal?.reason));
  await connection.handshake();
}

function stack(options: StreamOptions, tls: readonly Layer[], log: Logger): Layer[] {
  const { layers = [], layersAboveTls = [], isTraced = true } = options;
  const stacked = [...layers, ...tls, ...layersAboveTls];
  if (!log.isEnabled("trace")) return stacked;
  const step = tls.length > 0 ? [handshakeTraceLayer] : [];
  return [...step, ...stacked, ...isTraced ? [traceLayer] : []];
}

async function tlsServerLayer(endpoint: Endpoint, { tls }: ListenOptions): Promise<Layer> {
  if (tls === undefined) {
    throw new TypeError(`Cannot listen on "${formatEndpoint(endpoint)}": a certificate and a key are required`);
  }
  // Imported on demand, because Node's TLS slows every start.
  const { TlsServerContext } = await import("./net/layers/tls_server.ts");
  return tls instanceof TlsServerContext ? tls : new TlsServerContext(tls);
}

async function tlsClientLayers(
  { host, ...endpoint }: HostEndpoint,
  dialer: Dialer,
  { tls = {}, layers = [], insecureWarned }: ConnectOptions,
  log: Logger,
): Promise<Layer[]> {
  const text = formatEndpoint({ ...endpoint, host });
  if (tls.insecure) {
    const level = insecureWarned?.has(text) ? "debug" : "warning";
    log[level](`the certificate of ${text} is NOT checked: anyone can be at the other end`);
    insecureWarned?.add(text);
  }
  const { TlsClientLayer } = await import("./net/layers/tls_client.ts");
  const { startTlsLayer } = await import("./net/layers/start_tls.ts");
  const startTls = tls.startTls === undefined ? [] : [startTlsLayer(tls.startTls, text)];
  const setup = { endpoint: text, host, options: tls, dialer, below: [...layers, ...startTls] };
  return [...startTls, new TlsClientLayer(setup)];
}

function openDatagramSocket(endpoint: Endpoint, setup: Parameters<typeof bindUdp>[1]): Promise<DatagramSocket> {
  if (!isHostEndpoint(endpoint)) {
    if (endpoint.scheme === "unixgram") return bindUnixDatagram(endpoint, setup);
  } else if (endpoint.scheme === "udp") return bindUdp(endpoint, setup);
  throw unsupported("bind", endpoint, "udp or unixgram");
}

function unsupported(doing: string, endpoint: Endpoint, known: string): Error {
  return new SyntaxError(`Cannot ${doing} "${formatEndpoint(endpoint)}": it takes ${known}`);
}

function limitsOf(options: StreamOptions): ConnectionLimits {
  const ms = (duration: Duration | undefined) => duration === undefined ? undefined : parseDuration(duration);
  return {
    firstByteMs: ms(options.firstByteTimeout),
    idleMs: ms(options.idleTimeout),
    totalMs: ms(options.totalTimeout),
    writeMs: ms(options.writeTimeout),
    outboxBytes: options.outboxBytes,
  };
}

function deadlinesOf({ firstByteMs, idleMs, totalMs, writeMs }: ConnectionLimits): (number | undefined)[] {
  return [firstByteMs, idleMs, totalMs, writeMs];
}
