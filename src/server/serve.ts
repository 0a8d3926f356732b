import { DEFAULTS } from "../base/defaults.ts";
import { type Duration, parseDuration, parseSize, type Size } from "../base/units.ts";
import type { ListenOptions } from "../factory.ts";
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

/** Serves one client, from its first message to its last. When it returns, what it sent leaves and the connection ends. */
export type SessionHandler = (session: Session) => void | Promise<void>;

/** Options of {@linkcode serve}. */
export interface ServeOptions extends Omit<ListenOptions, "deadlineTimer" | "nextId"> {
  /**
   * How messages are told apart, as `--framing` says it, or a codec. WebSocket
   * has messages of its own.
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
   * Maximum connections at once; further clients wait to be accepted.
   *
   * @default {10000, or the open-file limit less 64}
   */
  maxConnections?: number;
  /**
   * Maximum connections of one address.
   *
   * @default {256}
   */
  maxPerAddress?: number;
  /** New connections a second of one address. */
  connectRate?: number;
  /**
   * Whether the limits by address hold for this machine's own clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Addresses and ranges that may connect; by default all. */
  allow?: readonly string[];
  /** Addresses and ranges that may not, also if they are allowed. */
  deny?: readonly string[];
  /** Decides after the limits by address. */
  gate?: Gate;
  /** How much one client may send; further messages are read later. */
  rates?: MessageRates;
  /** With it a client's first message must be `/login NAME PASSWORD`. */
  authenticator?: Authenticator;
  /**
   * For the log-in to come.
   *
   * @default {"10s"}
   */
  logInTimeout?: Duration;
  /** Origins whose pages may open WebSockets, besides the endpoint's own; `*` is any. */
  origins?: readonly string[];
  /** WebSocket subprotocols that a handler speaks, the preferred one first. */
  subprotocols?: readonly string[];
  /** What WebSocket endpoints answer to plain HTTP, for example `{ "GET /": { contentType, body } }`. */
  routes?: HttpRoutes;
  /**
   * From one WebSocket ping to the next.
   *
   * @default {"25s"}
   */
  pingInterval?: Duration;
  /**
   * For the answer to a ping.
   *
   * @default {"10s"}
   */
  pingTimeout?: Duration;
  /** End after this many connections. */
  maxAccepts?: number;
  /**
   * For the clients to finish once the server is shutting down.
   *
   * @default {"10s"}
   */
  drainTimeout?: Duration;
  /** Where to count, to go on with what an earlier server has counted. */
  stats?: ServerStats;
  /** Serves `/metrics`, `/healthz` and `/connections` by HTTP on this TCP endpoint. */
  metrics?: string | Endpoint;
  /** Shuts the server down. */
  signal?: AbortSignal;
}

/** A server that runs until it is shut down. Disposing of it shuts it down. */
export interface RunningServer<E extends Endpoint = Endpoint> extends AsyncDisposable {
  /** Where it listens, with the ports that were picked. */
  readonly endpoints: readonly Endpoint[];
  /** The first of {@linkcode endpoints}. */
  readonly endpoint: E;
  /** What it has done and whom it serves; `serveMetrics()` takes it. */
  readonly stats: ServerStats;
  /** Where its metrics are, if it serves them. */
  readonly metricsUrl: string | undefined;
  /** Settles when the server has ended: every client has left or was closed. */
  readonly finished: Promise<void>;
  /** Stops accepting, lets the clients finish within `drainTimeout`, and ends. */
  shutdown(): Promise<void>;
}

/**
 * Serves on one endpoint or several, of any stream transport.
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
 * @throws {SyntaxError} An endpoint, a framing, a range or an origin cannot be parsed.
 * @throws {BindError} An address is in use, not permitted, or not of this machine.
 */
export function serve(
  endpoint: HostEndpointText | HostEndpoint,
  service: Service | SessionHandler,
  options?: ServeOptions,
): Promise<RunningServer<HostEndpoint>>;
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
  // The server gives the service back at its end; before there is one, a failure does.
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
    Array.isArray(endpoints) ? endpoints : [endpoints as string | Endpoint],
    { ...options, context, deadlineTimer, nextId: counter() },
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
  // Whoever awaits it is told; nobody has to.
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

/** What opens the sessions of `ws` and `wss` endpoints, if there are any. */
export async function webSocketsFor(
  listeners: readonly Listener[],
  { routes = {}, subprotocols = [] }: Service,
  options: Omit<WebSocketAcceptorOptions, "subprotocols">,
): Promise<WebSocketAcceptor | undefined> {
  if (!listeners.some(({ endpoint }) => isWebSocket(endpoint))) return undefined;
  const { WebSocketAcceptor } = await import("../websocket/acceptor.ts");
  return await WebSocketAcceptor.create({ ...options, routes: { ...options.routes, ...routes }, subprotocols });
}
