import { messageOf } from "../base/errors.ts";
import { randomSeed } from "../base/random.ts";
import type { ConnectOptions } from "../net/options.ts";
import { rawCodec } from "../framing/raw.ts";
import { defaultMaxConnections } from "../guard/open_file_limit.ts";
import { Logger } from "../log/logger.ts";
import type { Connection } from "../net/connection.ts";
import {
  type Endpoint,
  formatEndpoint,
  type HostEndpoint,
  type HostEndpointText,
  isStream,
  isWebSocket,
  parseEndpoint,
} from "../net/endpoint.ts";
import { isReachedBy } from "../net/own_address.ts";
import { Resetter } from "../net/sockopt/resetter.ts";
import { type RunningServer, serve, type ServeOptions } from "../server/serve.ts";
import type { ServerStats } from "../server/server_stats.ts";
import { type Clock, SYSTEM_CLOCK } from "./faults/clock.ts";
import type { Fault } from "./faults/fault.ts";
import { parseFault, withOwnNames } from "./faults/parse_fault.ts";
import type { Tap } from "./relayed_connection.ts";
import { type Balance, RelayService } from "./relay_service.ts";

/** Options of {@linkcode startRelay}; server options apply to the client side. */
export interface RelayOptions extends Omit<ServeOptions, "framing" | "rates" | "canReset" | "authenticator"> {
  /**
   * The faults in order, as objects or text such as `latency:100ms,jitter=20ms`.
   *
   * @default {[]}
   */
  faults?: readonly (Fault | string)[];
  /** Seed of the faults' randomness; random by default, see {@linkcode Relay.seed}. */
  seed?: number;
  /**
   * How to select one of several targets.
   *
   * @default {"in-order"}
   */
  balance?: Balance;
  /**
   * Reaction if no target can be reached.
   *
   * @default {"reset"}
   */
  onUnreachable?: "reset" | "close";
  /** Dial options for the targets, such as deadlines and trusted certificates. */
  dial?: ConnectOptions;
  /** Sends each client's address to the target in a PROXY header of this version, like a load balancer. */
  sendProxy?: 1 | 2 | undefined;
  /** Observes forwarded data. */
  tap?: (connection: Connection) => Tap | undefined;
  /**
   * Resets the sockets. With `false` they are those of `node:net`, which are slower.
   *
   * @default {Resetter.open(), which needs Linux and `--allow-ffi`, or `false`}
   */
  resetter?: Resetter | false;
  /** The clock of the faults, for tests. */
  clock?: Clock;
}

/** A running relay; see {@linkcode startRelay}. */
export class Relay<E extends Endpoint = Endpoint> implements AsyncDisposable {
  /** The local endpoint, with the actual port. */
  readonly endpoint: E;
  /** The seed of its faults. */
  readonly seed: number;
  readonly #service: RelayService;
  readonly #server: RunningServer<E>;

  /** Created by {@linkcode startRelay}. */
  constructor(server: RunningServer<E>, service: RelayService, seed: number) {
    this.endpoint = server.endpoint;
    this.seed = seed;
    this.#service = service;
    this.#server = server;
    server.stats.upstreamOf = (connection) => service.upstreamOf(connection);
  }

  /** Its statistics. */
  get stats(): ServerStats {
    return this.#server.stats;
  }

  /** Settles when it has ended. */
  get finished(): Promise<void> {
    return this.#server.finished;
  }

  /** The active faults in order. */
  get faults(): readonly Fault[] {
    return this.#service.faults;
  }

  /** Changes the faults of open and of new connections. */
  setFaults(faults: readonly (Fault | string)[]): void {
    this.#service.faults = readFaults(faults);
  }

  /** Stops accepting and half-closes the connections to the targets; their remaining replies are forwarded. */
  shutdown(): Promise<void> {
    return this.#server.shutdown();
  }

  /** Closes all connections immediately. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#service.close();
    await this.shutdown();
  }
}

/**
 * Relays connections to a target, or to the first of several that can be reached. Either side may be `tcp`, `tls`,
 * `unix`, `ws` or `wss`. Half-closes, resets and WebSocket Close codes are forwarded unchanged.
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
 * await client.write("hello, world");
 * await using served = await target.accept();
 * assertEquals(new TextDecoder().decode(await served!.read() ?? undefined), "hello");
 * assertEquals(await served!.read(), null);
 * ```
 *
 * @throws {SyntaxError} An endpoint or a fault cannot be parsed.
 * @throws {BindError} The address is already in use, not permitted, or not an address of this machine.
 */
export function startRelay(
  listenOn: HostEndpointText | HostEndpoint,
  target: string | Endpoint | readonly (string | Endpoint)[],
  options?: RelayOptions,
): Promise<Relay<HostEndpoint>>;
/** Relays connections from an endpoint of any stream kind. */
export function startRelay(
  listenOn: string | Endpoint,
  target: string | Endpoint | readonly (string | Endpoint)[],
  options?: RelayOptions,
): Promise<Relay>;
export async function startRelay(
  listenOn: string | Endpoint,
  target: string | Endpoint | readonly (string | Endpoint)[],
  options: RelayOptions = {},
): Promise<Relay> {
  const { context = "relay", seed = randomSeed(), dial = {} } = options;
  const log = Logger.of(context);
  const targets = [target].flat().map((one) => typeof one === "string" ? parseEndpoint(one) : one);
  const faults = readFaults(options.faults ?? []);
  const endpoint = typeof listenOn === "string" ? parseEndpoint(listenOn) : listenOn;
  assertUsable(faults, endpoint, targets);
  const ownResetter = options.resetter === undefined ? Resetter.open() : undefined;
  const canReset = ownResetter ?? (options.resetter || true);
  const service = new RelayService({
    targets,
    balance: options.balance ?? "in-order",
    onUnreachable: options.onUnreachable ?? "reset",
    faults,
    seed,
    clock: options.clock ?? SYSTEM_CLOCK,
    dial: { context, ...dial },
    canReset,
    ownResetter,
    sendProxy: options.sendProxy,
    maxMessage: options.maxMessage,
    subprotocols: options.subprotocols ?? [],
    tap: options.tap,
  });
  const relay = new Relay(
    await serve(endpoint, service, {
      // Each client uses a second connection, to a target.
      maxConnections: defaultMaxConnections(undefined, 2),
      ...options,
      context,
      framing: rawCodec,
      canReset,
    }),
    service,
    seed,
  );
  relay.finished.catch((error: unknown) => log.error("the relay failed", { error: messageOf(error) }));
  return relay;
}

function readFaults(faults: readonly (Fault | string)[]): Fault[] {
  return withOwnNames(faults.map((fault) => typeof fault === "string" ? parseFault(fault) : fault));
}

/**
 * Checks that both sides are streams, that no target is the relay itself, and that message faults have a WebSocket.
 *
 * @throws {SyntaxError} One of these is not so.
 */
export function assertUsable(faults: readonly Fault[], listenOn: Endpoint, targets: readonly Endpoint[]): void {
  const endpoints = [listenOn, ...targets];
  const other = endpoints.find((endpoint) => !isStream(endpoint));
  if (other !== undefined) {
    throw new SyntaxError(`Cannot relay "${formatEndpoint(other)}": it takes tcp, tls, unix, ws, wss or ws+unix`);
  }
  const own = targets.find((target) => isReachedBy(listenOn, target));
  if (own !== undefined) {
    throw new SyntaxError(
      `Cannot relay to "${formatEndpoint(own)}": it is the relay itself, and each client would loop`,
    );
  }
  const fault = faults.find(({ type }) => type.isForMessages);
  if (fault === undefined || endpoints.some(isWebSocket)) return;
  throw new SyntaxError(`Cannot use ${fault.type.name}: it requires a ws or wss endpoint`);
}
