import { DEFAULTS } from "../base/defaults.ts";
import { type Duration, parseDuration, parseSize, type Size } from "../base/units.ts";
import type { ListenOptions } from "../net/options.ts";
import type { Codec } from "../framing/codec.ts";
import { parseFraming } from "../framing/parse_framing.ts";
import { AccessList } from "../guard/access_list.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import { type Gate, GateChain } from "../guard/gate.ts";
import { gatesOf } from "../guard/gates.ts";
import { parseOrigin } from "../http/origin.ts";
import type { HttpRoutes } from "../http/router.ts";
import { Logger } from "../log/logger.ts";
import { DeadlineTimer } from "../net/deadline_timer.ts";
import { type Endpoint, type HostEndpoint, type HostEndpointText, isWebSocket } from "../net/endpoint.ts";
import { counter, type Listener } from "../net/listener.ts";
import type { MessageRates } from "../session/rate_limited_session.ts";
import type { Session } from "../session/session.ts";
import type { WebSocketAcceptor, WebSocketAcceptorOptions } from "../websocket/acceptor.ts";
import { listenAll } from "./listen_all.ts";
import { logInFirst } from "./log_in_first.ts";
import { serveMetrics } from "./serve_metrics.ts";
import { Server } from "./server.ts";
import { ServerStats } from "./server_stats.ts";
import type { Service } from "./service.ts";

/** Serves one client. When it returns, queued messages are sent and the connection is closed. */
export type SessionHandler = (session: Session) => void | Promise<void>;

/** Options of {@linkcode serve}. */
export interface ServeOptions extends Omit<ListenOptions, "deadlineTimer" | "nextId"> {
  /**
   * The framing, as in `--framing`, or a codec. WebSocket has its own message boundaries.
   *
   * @default {"line"}
   */
  framing?: string | Codec;
  /**
   * Maximum bytes of a WebSocket message.
   *
   * @default {"64KiB"}
   */
  maxMessage?: Size;
  /**
   * Maximum concurrent connections; further clients wait to be accepted.
   *
   * @default {10000, or the open-file limit less 64}
   */
  maxConnections?: number;
  /**
   * Maximum connections per address.
   *
   * @default {256}
   */
  maxPerAddress?: number;
  /** New connections per second and address. */
  connectRate?: number;
  /**
   * Whether the limits by address apply to loopback clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Addresses and ranges that may connect; by default all. */
  allow?: readonly string[];
  /** Denied addresses and ranges; they take precedence over `allow`. */
  deny?: readonly string[];
  /** Decides after the limits by address. */
  gate?: Gate;
  /** Rate limits per client; excess messages are read later. */
  rates?: MessageRates;
  /** If set, a client's first message must be `/login NAME PASSWORD`. */
  authenticator?: Authenticator;
  /**
   * Time limit for the login.
   *
   * @default {"10s"}
   */
  logInTimeout?: Duration;
  /** Allowed WebSocket origins besides the endpoint's own; `*` for any. */
  origins?: readonly string[];
  /** Supported WebSocket subprotocols in order of preference. */
  subprotocols?: readonly string[];
  /** Responses of WebSocket endpoints to plain HTTP, for example `{ "GET /": { contentType, body } }`. */
  routes?: HttpRoutes;
  /**
   * Interval between WebSocket pings.
   *
   * @default {"25s"}
   */
  pingInterval?: Duration;
  /**
   * Time limit for a pong.
   *
   * @default {"10s"}
   */
  pingTimeout?: Duration;
  /** Shuts down after this many connections. */
  maxAccepts?: number;
  /**
   * Time limit for the clients to finish during shutdown.
   *
   * @default {"10s"}
   */
  drainTimeout?: Duration;
  /** Statistics to continue, for example those of an earlier server. */
  stats?: ServerStats;
  /** TCP endpoint for `/metrics`, `/healthz` and `/connections` over HTTP. */
  metrics?: string | Endpoint;
  /** Shuts the server down. */
  signal?: AbortSignal;
}

/** A running server. Disposing of it shuts it down. */
export interface RunningServer<E extends Endpoint = Endpoint> extends AsyncDisposable {
  /** The local endpoints, with the actual ports. */
  readonly endpoints: readonly Endpoint[];
  /** The first of {@linkcode endpoints}. */
  readonly endpoint: E;
  /** Statistics, for example for `serveMetrics()`. */
  readonly stats: ServerStats;
  /** URL of its metrics, if served. */
  readonly metricsUrl: string | undefined;
  /** Settles when the server has ended and all connections are closed. */
  readonly finished: Promise<void>;
  /** Stops accepting, lets the clients finish within `drainTimeout`, and closes the rest. */
  shutdown(): Promise<void>;
}

/**
 * Serves on one or more endpoints of any stream transport.
 *
 * @example Upper case for everyone
 * ```ts
 * import { dial } from "@parley/parley";
 * import { serve } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"], async (session) => {
 *   for await (const message of session) session.send(message.text().toUpperCase());
 * });
 * for (const endpoint of server.endpoints) {
 *   await using client = await dial(endpoint);
 *   client.send("hello");
 *   for await (const message of client) {
 *     assertEquals(message.text(), "HELLO");
 *     break;
 *   }
 * }
 * ```
 *
 * @throws {SyntaxError} An endpoint, a framing or a range cannot be parsed.
 * @throws {UsageError} An origin is invalid.
 * @throws {TypeError} A `tls` or `wss` endpoint has no certificate.
 * @throws {BindError} An address is already in use, not permitted, or not an address of this machine.
 */
export function serve(
  endpoint: HostEndpointText | HostEndpoint,
  service: Service | SessionHandler,
  options?: ServeOptions,
): Promise<RunningServer<HostEndpoint>>;
/** Serves on one or several endpoints of any stream kind. */
export function serve(
  endpoints: string | Endpoint | readonly (string | Endpoint)[],
  service: Service | SessionHandler,
  options?: ServeOptions,
): Promise<RunningServer>;
export async function serve(
  endpoints: string | Endpoint | readonly (string | Endpoint)[],
  service: Service | SessionHandler,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const { context = "parley", framing = "line" } = options;
  const own = typeof service === "function" ? serviceOf(service, options) : service;
  await using owner = new AsyncDisposableStack();
  // The server disposes of the service at its end; if there is no server yet, a failure does.
  const starting = owner.use(new AsyncDisposableStack());
  starting.defer(async () => await own[Symbol.asyncDispose]?.());
  const codec = typeof framing === "string" ? parseFraming(framing) : framing;
  const origins = (options.origins ?? []).map(parseOrigin);
  const guarded = options.authenticator === undefined ? own : logInFirst(own, {
    authenticator: options.authenticator,
    isRaw: codec.name === "raw",
    timeoutMs: parseDuration(options.logInTimeout ?? DEFAULTS.logInTimeoutMs),
  });
  const { pingInterval = DEFAULTS.pingIntervalMs } = options;
  const pingTimeoutMs = parseDuration(options.pingTimeout ?? DEFAULTS.pongTimeoutMs);
  const deadlineTimer = owner.use(DeadlineTimer.for(timesOf(options, pingTimeoutMs)));
  const listeners = owner.use(new DisposableStack());
  const opened = await listenAll(
    [endpoints].flat(),
    { canReset: own.resetsConnections ?? false, ...options, context, deadlineTimer, nextId: counter() },
    listeners,
  );
  const { stats = new ServerStats() } = options;
  const server = new Server({
    service: guarded,
    listeners: opened,
    codec,
    log: Logger.of(context),
    stats,
    drainTimeoutMs: parseDuration(options.drainTimeout ?? DEFAULTS.drainTimeoutMs),
    maxAccepts: options.maxAccepts,
    maxConnections: options.maxConnections,
    gate: gateOf(options),
    rates: options.rates,
    webSockets: await webSocketsFor(opened, guarded, {
      origins,
      routes: options.routes ?? {},
      maxMessageBytes: parseSize(options.maxMessage ?? DEFAULTS.webSocketMessageBytes),
      pings: { deadlineTimer, interval: pingInterval, timeout: pingTimeoutMs },
    }),
  });
  const metrics = options.metrics === undefined
    ? undefined
    : owner.use(await serveMetrics(options.metrics, stats, { service: context }));
  starting.move();
  return start(server, opened, owner.move(), { stats, metricsUrl: metrics?.url, signal: options.signal });
}

function start(
  server: Server,
  listeners: readonly Listener[],
  owner: AsyncDisposableStack,
  { stats, metricsUrl, signal }: {
    stats: ServerStats;
    metricsUrl: string | undefined;
    signal: AbortSignal | undefined;
  },
): RunningServer {
  const stop = new AbortController();
  const finished = server
    .run(signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]))
    .finally(() => owner.disposeAsync());
  // Callers may await it, but need not.
  finished.catch(() => {});
  const shutdown = () => {
    stop.abort();
    return finished;
  };
  const endpoints = listeners.map(({ endpoint }) => endpoint);
  const [endpoint] = endpoints;
  if (endpoint === undefined) throw new TypeError("Cannot serve: there is no endpoint");
  return { endpoints, endpoint, stats, metricsUrl, finished, shutdown, [Symbol.asyncDispose]: shutdown };
}

function serviceOf(handler: SessionHandler, { subprotocols = [] }: ServeOptions): Service {
  return {
    subprotocols,
    async serve(session) {
      await handler(session);
    },
  };
}

function gateOf(options: ServeOptions): Gate {
  const { allow = [], deny = [], gate } = options;
  const access = allow.length + deny.length > 0 ? new AccessList({ allow, deny }) : undefined;
  const gates = gatesOf({ ...options, access });
  return gate === undefined ? gates : new GateChain([gates, gate]);
}

function timesOf(options: ServeOptions, pingTimeoutMs: number): (number | undefined)[] {
  const times = [options.firstByteTimeout, options.idleTimeout, options.totalTimeout, options.writeTimeout];
  return [...times.map((time) => time === undefined ? undefined : parseDuration(time)), pingTimeoutMs];
}

/** The acceptor for `ws` and `wss` endpoints, if there are any. */
export async function webSocketsFor(
  listeners: readonly Listener[],
  { routes = {}, subprotocols = [] }: Service,
  options: Omit<WebSocketAcceptorOptions, "subprotocols">,
): Promise<WebSocketAcceptor | undefined> {
  if (!listeners.some(({ endpoint }) => isWebSocket(endpoint))) return undefined;
  const { WebSocketAcceptor } = await import("../websocket/acceptor.ts");
  return await WebSocketAcceptor.create({ ...options, routes: { ...options.routes, ...routes }, subprotocols });
}
