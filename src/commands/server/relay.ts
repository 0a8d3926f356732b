import { messageOf, UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { randomSeed } from "../../base/random.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import { defineCommand, type Invocation } from "../../cli/command.ts";
import { ReloadSignal } from "../../cli/reload_signal.ts";
import { VERSION } from "../../cli/version.ts";
import { listen } from "../../factory.ts";
import { parseOrigin } from "../../http/origin.ts";
import { Logger } from "../../log/logger.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { Resetter } from "../../net/sockopt/resetter.ts";
import { onAbort } from "../../net/wait.ts";
import type { Fault } from "../../relay/faults/fault.ts";
import { type Relay, type RelayOptions, startRelay } from "../../relay/relay.ts";
import type { RelayServiceOptions } from "../../relay/relay_service.ts";
import { HttpServer } from "../../server/http_server.ts";
import { publicRoutes } from "../../server/metrics_routes.ts";
import { serveMetrics } from "../../server/serve_metrics.ts";
import type { StatsSource } from "../../server/stats_snapshot.ts";
import { announceReady, openReadyFile } from "../announce_ready.ts";
import { readsProxyVariables, ROUTE_FLAGS, routeConnectOptions } from "../client/route_flags.ts";
import { readTls } from "../client/tls_flags.ts";
import { FAULT_FLAGS, faultsOf } from "../fault_flags.ts";
import { configureServerLogging } from "../server_logging.ts";
import { gateOf } from "./access_flags.ts";
import { proxiesOf } from "./proxy_flags.ts";
import { ConnectionRecorder } from "./record_relay.ts";
import { listenOptionsOf } from "./open_service.ts";
import { environmentOf, runWith } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";
import { tlsContextOf } from "./tls_flags.ts";

const {
  workers: _w,
  framing: _f,
  rate: _r,
  byteRate: _b,
  auth: _a,
  authTimeout: _t,
  trustedProxy: _p,
  ...RELAY_SHARED_FLAGS
} = SHARED_FLAGS;

/** Server flags that also apply to a relay. */
export { RELAY_SHARED_FLAGS };

// The client of each connection is the source address.
const { sendProxy: SEND_PROXY, sendProxySource: _s, ...ROUTE } = ROUTE_FLAGS;

/** Flags of the relay itself. */
export const RELAY_FLAGS = {
  ...FAULT_FLAGS,
  seed: { type: "integer", max: 0xffff_ffff, help: "seed for reproducible faults" },
  control: { type: "text", placeholder: "ENDPOINT", help: "serve Toxiproxy's HTTP API on ENDPOINT" },
  config: { type: "text", placeholder: "FILE", help: "create the proxies in FILE (JSON of Toxiproxy)" },
  record: { type: "text", placeholder: "FILE", help: "record one connection, or each with {n} in FILE" },
  ...inGroup("Connection", {
    balance: {
      type: "choice",
      choices: ["in-order", "round-robin"],
      default: "in-order",
      help: "use the first reachable TARGET, or each in turn",
    },
    onUnreachable: {
      type: "choice",
      choices: ["reset", "close"],
      default: "reset",
      help: "what a client gets if no TARGET is reachable",
    },
    connectTimeout: { type: "duration", default: "10s", help: "maximum time to connect to a TARGET" },
  }),
  ...ROUTE,
  sendProxy: { ...SEND_PROXY, help: "send a PROXY header that names the client to TARGET, as a load balancer does" },
  ...inGroup("WebSocket", {
    subprotocol: { type: "text", repeat: true, placeholder: "NAME", help: "subprotocol that is passed through" },
  }),
  ...inGroup("TLS", {
    targetCa: { type: "text", placeholder: "FILE", help: "trust the certificates in FILE (PEM) for TARGET" },
    targetName: { type: "text", placeholder: "NAME", help: "name that TARGET's certificate must be valid for (SNI)" },
    targetInsecure: { type: "boolean", help: "accept ANY certificate of TARGET" },
    targetCert: { type: "text", placeholder: "FILE", help: "client certificate (PEM) for TARGET" },
    targetKey: { type: "text", placeholder: "FILE", help: "private key of --target-cert (PEM)" },
  }),
} as const satisfies FlagTable;

const FLAGS = { ...RELAY_FLAGS, ...RELAY_SHARED_FLAGS };
/** Values of the flags of a relay. */
export type RelayFlags = FlagValues<typeof FLAGS>;

/** `parley-server relay`. */
export const relayCommand = defineCommand({
  usage: "LISTEN TARGET... [-- COMMAND]",
  examples: [
    {
      words: "relay 8443 tls://db.internal:5433 --target-ca ca.pem",
      does: "add TLS for clients that do not support it",
    },
    { words: "relay 6379 redis:6379 --fault reset:1KiB,share=20% --seed 7", does: "reset one connection in five" },
    { words: "relay --control 8474", does: "accept commands of Toxiproxy clients" },
  ],
  flags: FLAGS,
  readsEnvironment: readsProxyVariables,
  takesCommand: true,
  opensLibrary: true,
  run: runRelay,
});

async function runRelay({ flags, args, childCommand, io }: Invocation<typeof FLAGS>): Promise<number> {
  await using _log = configureServerLogging(flags, io);
  using resetter = Resetter.open();
  await io.dropPermissions?.("ffi");
  const [listenOn, ...targets] = args;
  if (listenOn === undefined && flags.control === undefined && flags.config === undefined) {
    throw new UsageError("relay needs LISTEN and TARGET, for example relay 8000 db:5432, or --control");
  }
  if (listenOn !== undefined && targets.length === 0) throw new UsageError(`no TARGET for ${listenOn}`);
  using readyFile = openReadyFile(flags.readyFile);
  using reload = new ReloadSignal(io.stop);
  using stopSignals = io.stop.listen();
  await using owner = new AsyncDisposableStack();
  const stop = new AbortController();
  const stopped = AbortSignal.any([stopSignals.signal, stop.signal]);
  const { relay, control } = await openRelay(flags, {
    listenOn,
    targets,
    context: "relay",
    reload,
    resetter,
    owner,
  });
  const stats = control?.stats ?? relay?.stats;
  const metricsUrl = flags.metrics === undefined || stats === undefined
    ? undefined
    : owner.use(await serveMetrics(flags.metrics, stats, { service: "relay" })).url;
  const endpoints = [...relay === undefined ? [] : [formatEndpoint(relay.endpoint)], ...control?.endpoints() ?? []];
  const env = {
    ...environmentOf(relay?.endpoint, metricsUrl),
    ...(control?.url === undefined ? {} : { PARLEY_CONTROL: control.url }),
  };
  return await runWith(childCommand, io, {
    env,
    running: runUntil(stopped, { relay, control }),
    announce: () =>
      announceReady(endpoints, {
        printEndpoint: flags.printEndpoint,
        readyFile,
        metricsUrl: control?.url ?? metricsUrl,
        io,
      }),
    stop: () => stop.abort(),
  });
}

/** An opened relay. */
export interface OpenRelay {
  /** The local endpoints; none if only the control API creates relays. */
  readonly relay: Relay | undefined;
  readonly control: Control | undefined;
}

/**
 * Starts a relay, with the recording and the control API from the flags.
 *
 * @throws {UsageError} The flags conflict.
 */
export async function openRelay(
  flags: RelayFlags,
  { listenOn, targets, context, reload, resetter, owner }: {
    listenOn: string | undefined;
    targets: readonly string[];
    context: string;
    reload: ReloadSignal;
    resetter: Resetter | undefined;
    owner: AsyncDisposableStack;
  },
): Promise<OpenRelay> {
  const faults = faultsOf(flags);
  const controlAt = flags.control === undefined ? undefined : controlEndpoint(flags.control);
  const recorder = flags.record === undefined ? undefined : owner.use(new ConnectionRecorder(flags.record));
  const log = Logger.of(context);
  const seed = flags.seed ?? randomSeed();
  const endpoints = listenOn === undefined ? [] : [listenOn];
  const options = {
    ...await optionsOf(flags, endpoints, { reload, log }),
    context,
    seed,
    resetter: resetter ?? false as const,
  };
  const relay = listenOn === undefined ? undefined : owner.use(
    await startRelay(parseEndpoint(listenOn), targets.map((target) => parseEndpoint(target)), {
      ...options,
      faults,
      ...(recorder === undefined ? {} : { tap: (connection) => recorder.tap(connection) }),
    }),
  );
  if (relay !== undefined) {
    log.info(`relaying ${formatEndpoint(relay.endpoint)} to ${targets.join(", ")}`, { seed, ...faultFields(faults) });
  }
  const control = flags.control === undefined && flags.config === undefined
    ? undefined
    : await startControl(flags, controlAt, { options, relay, targets, owner });
  return { relay, control };
}

/** A control API and its proxies. */
interface Control {
  readonly stats: StatsSource;
  /** URL of the API, if served. */
  readonly url: string | undefined;
  endpoints(): string[];
  shutdown(): Promise<void>;
}

async function startControl(
  flags: RelayFlags,
  controlAt: Endpoint | undefined,
  { options, relay, targets, owner }: {
    options: RelayOptions & { seed: number; context: string };
    relay: Relay | undefined;
    targets: readonly string[];
    owner: AsyncDisposableStack;
  },
): Promise<Control> {
  const [{ ProxySet }, { controlRoutes }] = await Promise.all([
    import("../../relay/control/proxy_set.ts"),
    import("../../relay/control/api.ts"),
  ]);
  const { seed, context, ...shared } = options;
  const proxies = owner.use(
    new ProxySet((at, to, own) => startRelay(at, to, { ...shared, ...own }), () => seed),
  );
  if (relay !== undefined) proxies.adopt(context, relay, targets.join(","));
  if (flags.config !== undefined) await populateFrom(flags.config, proxies);
  let url: string | undefined;
  if (controlAt !== undefined) {
    const listener = await listen(controlAt, { context: "control", totalTimeout: "60s" });
    const routes = {
      ...publicRoutes({ services: [{ stats: proxies, service: context }] }),
      ...controlRoutes(proxies, VERSION),
    };
    owner.use(new HttpServer(listener, routes));
    url = formatEndpoint(listener.endpoint).replace(/^tcp/, "http");
  }
  return {
    stats: proxies,
    url,
    endpoints: () =>
      proxies.list().filter(({ name, enabled }) => enabled && name !== context).map(({ listen }) =>
        formatEndpoint(parseEndpoint(listen))
      ),
    shutdown: () => proxies.shutdown(),
  };
}

async function populateFrom(path: string, proxies: { populate(body: unknown): Promise<unknown> }): Promise<void> {
  const text = await readNamedFile(path, "the proxies of --config");
  try {
    await proxies.populate(JSON.parse(text));
  } catch (error) {
    throw new UsageError(`Cannot use the proxies in ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Serves until the signal, then drains the connections. */
export async function runUntil(stopped: AbortSignal, { relay, control }: OpenRelay): Promise<void> {
  const shutdown = control?.shutdown;
  const ending = Promise.withResolvers<void>();
  using _end = onAbort(stopped, () => ending.resolve());
  // With --exit-after the relay ends by itself.
  await Promise.race([ending.promise, ...relay === undefined || shutdown !== undefined ? [] : [relay.finished]]);
  await (shutdown?.() ?? relay?.shutdown());
}

async function optionsOf(
  flags: RelayFlags,
  args: readonly string[],
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<RelayOptions> {
  // A proxy created through the API may also listen with TLS.
  const mayServeTls = flags.tlsCert !== undefined && (flags.control ?? flags.config) !== undefined;
  const tls = await tlsContextOf(flags, mayServeTls ? ["tls://127.0.0.1:0"] : args.slice(0, 1), { reload, log });
  const { layers } = proxiesOf({ ...flags, trustedProxy: [] }, args.slice(0, 1));
  return {
    ...listenOptionsOf(flags, { context: "relay", tls, slot: { index: 0, count: 1 }, layers }),
    ...await targetOptionsOf(flags),
    gate: await gateOf(flags, { reload, log }),
    maxPerAddress: Infinity,
    ...(flags.maxConnections === undefined ? {} : { maxConnections: flags.maxConnections }),
    ...(flags.exitAfter === undefined ? {} : { maxAccepts: flags.exitAfter }),
    drainTimeout: flags.drainTimeout,
    origins: flags.origin.map(parseOrigin),
    subprotocols: flags.subprotocol,
    pingInterval: flags.pingInterval,
    pingTimeout: flags.pingTimeout,
    maxMessage: flags.maxMessage,
  };
}

/**
 * Options for selecting and dialing targets.
 *
 * @throws {UsageError} A required flag or a file is missing.
 */
async function targetOptionsOf(
  flags: RelayFlags,
): Promise<Pick<RelayServiceOptions, "balance" | "onUnreachable" | "sendProxy" | "dial">> {
  const { balance, onUnreachable, connectTimeout, handshakeTimeout, writeTimeout, sendProxy } = flags;
  const tls = await readTls({
    ca: flags.targetCa,
    cert: flags.targetCert,
    key: flags.targetKey,
    insecure: flags.targetInsecure,
    serverName: flags.targetName,
  }, "target");
  const route = await routeConnectOptions({ ...flags, sendProxy: undefined, sendProxySource: undefined });
  return {
    balance,
    onUnreachable,
    sendProxy: sendProxy && (sendProxy === "v1" ? 1 : 2),
    dial: { tls, connectTimeout, handshakeTimeout, writeTimeout, ...route },
  };
}

function faultFields(faults: readonly Fault[]): Record<string, string> {
  return faults.length === 0 ? {} : { faults: faults.map(({ name }) => name).join(",") };
}

function controlEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint.scheme === "tcp") return endpoint;
  throw new UsageError(`--control requires a TCP endpoint such as 127.0.0.1:8474, not ${text}`);
}
