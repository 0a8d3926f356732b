import { DEFAULTS } from "../base/defaults.ts";
import { messageOf } from "../base/errors.ts";
import { type Duration, parseDuration } from "../base/units.ts";
import { type ConnectOptions, listen, type ListenOptions } from "../factory.ts";
import { rawCodec } from "../framing/raw.ts";
import type { Gate } from "../guard/gate.ts";
import { Logger } from "../log/logger.ts";
import type { Connection } from "../net/connection.ts";
import { DeadlineTimer } from "../net/deadline_timer.ts";
import { type Endpoint, parseEndpoint } from "../net/endpoint.ts";
import { counter, type Listener } from "../net/listener.ts";
import { Server } from "../server/server.ts";
import { ServerStats } from "../server/server_stats.ts";
import type { WebSocketAcceptor, WebSocketAcceptorOptions } from "../websocket/acceptor.ts";
import { type Clock, SYSTEM_CLOCK } from "./faults/clock.ts";
import type { Fault } from "./faults/fault.ts";
import { parseFaults } from "./faults/parse_fault.ts";
import type { Tap } from "./relayed_connection.ts";
import { type Balance, RelayService } from "./relay_service.ts";

/** Options of {@linkcode startRelay}. */
export interface RelayOptions {
  /**
   * What goes wrong, in order: faults, or text such as `latency:100ms,jitter=20ms`.
   *
   * @default {[]}
   */
  readonly faults?: readonly (Fault | string)[];
  /** What faults do depends on it; by default it is random. {@linkcode Relay.seed} has it. */
  readonly seed?: number;
  /**
   * How one of several targets is chosen.
   *
   * @default {"in-order"}
   */
  readonly balance?: Balance;
  /**
   * What a client gets when no target answers.
   *
   * @default {"reset"}
   */
  readonly onUnreachable?: "reset" | "close";
  /** How to listen: deadlines, certificate and so on. */
  readonly listen?: ListenOptions;
  /** How to dial the targets: deadlines, trusted certificates and so on. */
  readonly dial?: ConnectOptions & { maxMessage?: number };
  /** For endpoints of `ws` and `wss`. */
  readonly webSocket?: Partial<WebSocketAcceptorOptions>;
  /** Maximum connections at a time; more wait to be accepted. */
  readonly maxConnections?: number;
  /** Which clients may connect. */
  readonly gate?: Gate;
  /** Closes after this many connections have come and ended. */
  readonly maxAccepts?: number | undefined;
  /**
   * How long open connections have to end when the relay closes.
   *
   * @default {"10s"}
   */
  readonly drainTimeout?: Duration;
  /** Sees what is forwarded, as it leaves. */
  readonly tap?: (connection: Connection) => Tap | undefined;
  /** Where to count. */
  readonly stats?: ServerStats;
  /** Numbers the connections. */
  readonly nextId?: () => number;
  /** Names the relay in log lines. */
  readonly context?: string;
  /** Time as faults see it, for tests. */
  readonly clock?: Clock;
}

/** A relay that is listening; see {@linkcode startRelay}. */
export class Relay implements AsyncDisposable {
  /** Where it listens, with the port that was picked. */
  readonly endpoint: Endpoint;
  /** What its faults depend on. */
  readonly seed: number;
  /** What it has done, and whom it serves. */
  readonly stats: ServerStats;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
  readonly #service: RelayService;
  readonly #stop = new AbortController();

  /** Made by {@linkcode startRelay}. */
  constructor(listener: Listener, service: RelayService, server: Server, seed: number) {
    this.endpoint = listener.endpoint;
    this.seed = seed;
    this.stats = server.stats;
    this.#service = service;
    this.stats.upstreamOf = (connection) => service.upstreamOf(connection);
    this.ended = server.run(this.#stop.signal);
  }

  /** The faults at work, in order. */
  get faults(): readonly Fault[] {
    return this.#service.faults;
  }

  /** Changes the faults of open and of new connections. */
  setFaults(faults: readonly (Fault | string)[]): void {
    this.#service.faults = readFaults(faults);
  }

  /** Stops accepting; the targets see the clients' ends, and what they answer is forwarded. */
  async drain(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  /** Closes every connection at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#service.close();
    await this.drain();
  }
}

/**
 * Relays connections to a target, or to the first of several that answers.
 * Either side may be `tcp`, `tls`, `unix`, `ws` or `wss`. Ends are forwarded as
 * they were: a half-close, a reset, a WebSocket's Close code.
 *
 * @example A connection that is cut after 5 bytes
 * ```ts
 * import { connect, listen } from "@parley/parley";
 * import { startRelay } from "@parley/parley/relay";
 * import { assertEquals } from "@std/assert";
 *
 * using target = await listen("tcp://127.0.0.1:0");
 * await using relay = await startRelay("tcp://127.0.0.1:0", target.endpoint, { faults: ["limit:5,direction=to-server"] });
 * await using client = await connect(relay.endpoint);
 * await client.write(new TextEncoder().encode("hello, world"));
 * await using served = await target.accept();
 * assertEquals(new TextDecoder().decode(await served!.read() ?? undefined), "hello");
 * assertEquals(await served!.read(), null);
 * ```
 *
 * @throws {SyntaxError} An endpoint or a fault cannot be parsed.
 * @throws {BindError} The address is in use, not permitted, or not of this machine.
 */
export async function startRelay(
  listenOn: string | Endpoint,
  target: string | Endpoint | readonly (string | Endpoint)[],
  options: RelayOptions = {},
): Promise<Relay> {
  const { context = "relay", seed = randomSeed(), drainTimeout = DEFAULTS.drainTimeoutMs } = options;
  const log = Logger.of(context);
  const deadlineTimer = options.listen?.deadlineTimer ?? new DeadlineTimer();
  const targets = [target].flat().map((one) => typeof one === "string" ? parseEndpoint(one) : one);
  const faults = readFaults(options.faults ?? []);
  const endpoint = typeof listenOn === "string" ? parseEndpoint(listenOn) : listenOn;
  assertUsable(faults, [endpoint, ...targets]);
  const service = new RelayService({
    targets,
    balance: options.balance ?? "in-order",
    onUnreachable: options.onUnreachable ?? "reset",
    faults,
    seed,
    clock: options.clock ?? SYSTEM_CLOCK,
    dial: { context, deadlineTimer, ...options.dial },
    subprotocols: options.webSocket?.subprotocols ?? [],
    tap: options.tap,
    log,
  });
  const webSockets = isWebSocket(endpoint) ? await acceptorOf(options, deadlineTimer) : undefined;
  const { listen: listening = {}, nextId = counter() } = options;
  const listener = await listen(endpoint, { context, deadlineTimer, nextId, ...listening, canReset: true });
  const server = new Server({
    service,
    listeners: [listener],
    codec: rawCodec,
    log,
    drainTimeoutMs: parseDuration(drainTimeout),
    webSockets,
    maxAccepts: options.maxAccepts,
    maxConnections: options.maxConnections,
    gate: options.gate,
    stats: options.stats ?? new ServerStats(),
  });
  const relay = new Relay(listener, service, server, seed);
  // Whoever awaits `ended` sees it too.
  relay.ended.catch((error: unknown) => log.error("the relay failed", { error: messageOf(error) }));
  return relay;
}

/** A seed for {@linkcode RelayOptions.seed}. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

function readFaults(faults: readonly (Fault | string)[]): Fault[] {
  return faults.flatMap((fault) => typeof fault === "string" ? parseFaults([fault]) : [fault]);
}

/**
 * Faults of messages need a WebSocket to work on.
 *
 * @throws {SyntaxError} Neither side is one.
 */
export function assertUsable(faults: readonly Fault[], endpoints: readonly Endpoint[]): void {
  const fault = faults.find(({ type }) => type.isForMessages);
  if (fault === undefined || endpoints.some(isWebSocket)) return;
  throw new SyntaxError(`Cannot use ${fault.type.name}: it needs an endpoint of ws or wss`);
}

function isWebSocket({ scheme }: Endpoint): boolean {
  return scheme === "ws" || scheme === "wss";
}

async function acceptorOf({ webSocket }: RelayOptions, deadlineTimer: DeadlineTimer): Promise<WebSocketAcceptor> {
  const { WebSocketAcceptor } = await import("../websocket/acceptor.ts");
  return await WebSocketAcceptor.create({
    routes: {},
    subprotocols: [],
    origins: [],
    pings: { deadlineTimer, intervalMs: DEFAULTS.pingIntervalMs, answerMs: DEFAULTS.pongTimeoutMs },
    maxMessageBytes: DEFAULTS.webSocketMessageBytes,
    ...webSocket,
  });
}
