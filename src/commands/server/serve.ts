import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import { targetAddress } from "../../base/ip.ts";
import type { FlagValues } from "../../base/flag_spec.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { ReloadSignal } from "../../cli/reload_signal.ts";
import type { ListenOptions } from "../../factory.ts";
import { type Codec, parseFraming } from "../../framing/mod.ts";
import { defaultMaxConnections } from "../../guard/open_file_limit.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import { Logger } from "../../log/logger.ts";
import { DeadlineTimer } from "../../net/deadline_timer.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../net/endpoint.ts";
import type { Listener } from "../../net/listener.ts";
import { parseOrigin } from "../../http/origin.ts";
import type { TlsServerContext } from "../../net/layers/tls_server.ts";
import { listenAll } from "../../server/listen_all.ts";
import { webSocketsFor } from "../../server/serve.ts";
import { serveMetrics } from "../../server/serve_metrics.ts";
import { Server } from "../../server/server.ts";
import { ServerStats } from "../../server/server_stats.ts";
import { publicRoutes } from "../../server/metrics_routes.ts";
import type { PingOptions } from "../../websocket/pinger.ts";
import { logInFirst } from "../../server/log_in_first.ts";
import type { Service } from "../../server/service.ts";
import { loadService, type NamedService, type ServiceEntry } from "../../services/service.ts";
import { announceReady, openReadyFile } from "../announce_ready.ts";
import { socketOptionsOf } from "../socket_flags.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { authenticatorOf, gateOf } from "./access_flags.ts";
import { proxiesOf } from "./proxy_flags.ts";
import { type EndpointFlags, SHARED_FLAGS } from "./shared_flags.ts";
import { tlsContextOf } from "./tls_flags.ts";
import { WorkerPool } from "./workers/pool.ts";
import { checkWorkers, idsOf, shareOf, type WorkerSlot } from "./workers/slot.ts";

type SharedFlags = FlagValues<typeof SHARED_FLAGS>;

/** Values of the flags of a service, and of those that every service has. */
export type ServeFlags = SharedFlags & Readonly<Record<string, unknown>>;

/** How a service runs besides its flags. */
export interface ServeOptions {
  /** Which thread this is. */
  readonly slot?: WorkerSlot;
  /** A command to run while the server serves; it drains when the command has ended. */
  readonly childCommand?: readonly string[];
}

/** Loads the command that serves a service. */
export async function serveCommand(entry: ServiceEntry): Promise<Command> {
  const service = await loadService(entry);
  return defineCommand({
    usage: service.takesProgram ? "[ENDPOINT...] -- PROGRAM [ARGS]" : "[ENDPOINT...] [-- COMMAND]",
    examples: service.examples ?? [],
    flags: { ...service.flags, ...SHARED_FLAGS },
    notes: `Without an ENDPOINT it listens on ${service.endpoints.join(" and ")}.\n` +
      (service.takesProgram
        ? ""
        : "With -- COMMAND it serves until the command has ended; PARLEY_ENDPOINT, PARLEY_HOST and PARLEY_PORT are set.\n") +
      (service.notes ?? "") +
      (service.asksForLogIn
        ? "With --auth a client logs in with /login NAME PASSWORD."
        : 'With --auth the first line, or first message, of a client must be "/login NAME PASSWORD"; the answer is ' +
          'a line that\nbegins with "* ", or with "! " and then the end. It must come within --auth-timeout (10 s).'),
    takesCommand: true,
    run: ({ flags, args, childCommand, io }) => serve(service, flags, args, io, { childCommand }),
  });
}

/**
 * Serves until a signal, or until the command has ended. The result is the
 * exit code, with a command that of the command.
 *
 * @throws {UsageError} The flags do not fit the service or each other.
 */
export async function serve(
  service: NamedService,
  flags: ServeFlags,
  args: readonly string[],
  io: ProgramIo,
  { slot = { index: 0, count: flags.workers }, childCommand = [] }: ServeOptions = {},
): Promise<number> {
  configureProgramLogging(flags, io);
  if (service.takesProgram && childCommand.length === 0) throw new UsageError('no program to run: give it after "--"');
  using readyFile = openReadyFile(flags.readyFile);
  const codec = codecOf(service, flags);
  const origins = flags.origin.map(parseOrigin);
  const log = Logger.of(service.name);
  using reload = new ReloadSignal();
  const gate = await gateOf(flags, { reload, log });
  const authenticator = await authenticatorOf(flags, { reload, log });
  const endpoints = args.length > 0 ? args : service.endpoints;
  const { layers, isTrustedProxy } = proxiesOf(flags, endpoints);
  checkWorkers(flags.workers, { service, endpoints, maxAccepts: flags.exitAfter });
  const tls = await tlsContextOf(flags, endpoints, { reload, log });
  using listeners = new DisposableStack();
  const stop = slot.stop ?? listeners.use(io.stop.listen()).signal;
  const deadlineTimer = listeners.use(
    DeadlineTimer.for([flags.idleTimeout, flags.maxLifetime, flags.writeTimeout, flags.pingTimeout]),
  );
  await using sight = new AsyncDisposableStack();
  const stats = new ServerStats();
  const pings = { deadlineTimer, intervalMs: flags.pingInterval, answerMs: flags.pingTimeout };
  const made = await createService(service, flags, { log, authenticator, codec, pings, program: childCommand });
  let opened: Listener[];
  let announced: string[];
  let metricsUrl: string | undefined;
  let server: Server;
  let pool: WorkerPool | undefined;
  try {
    const options = listenOptionsOf(flags, { context: service.name, tls, slot, layers });
    const canReset = made.resetsConnections ?? false;
    opened = await listenAll(endpoints, { ...options, deadlineTimer, canReset }, listeners);
    announced = opened.map(({ endpoint }) => formatEndpoint(endpoint));
    if (made.routes?.["GET /"] !== undefined) logPageAddresses(announced, log);
    if (flags.workers > 1) pool = listeners.use(await startPool(service, flags, announced));
    const seen = pool?.seenWith(stats) ?? stats;
    if (flags.metrics !== undefined) {
      metricsUrl = sight.use(await serveMetrics(flags.metrics, seen, { service: service.name })).url;
    }
    server = new Server({
      service: made,
      listeners: opened,
      codec,
      log,
      stats,
      drainTimeoutMs: flags.drainTimeout,
      maxAccepts: flags.exitAfter,
      maxConnections: shareOf(
        flags.maxConnections ?? Math.min(service.maxConnections ?? Infinity, defaultMaxConnections()),
        slot,
      ),
      gate,
      webSockets: await webSocketsFor(opened, made, {
        pings,
        origins,
        isTrustedProxy,
        routes: publicRoutes({ stats: seen, service: service.name }),
        maxMessageBytes: flags.maxMessage,
      }),
      isTrustedProxy,
      rates: { messagesPerSecond: flags.rate, bytesPerSecond: flags.byteRate },
    });
  } catch (error) {
    await made[Symbol.asyncDispose]?.();
    throw error;
  }
  const commandEnded = new AbortController();
  const running = runAll(server, pool, AbortSignal.any([stop, commandEnded.signal]));
  slot.onServing?.(stats);
  announceReady(announced, { printEndpoint: flags.printEndpoint, readyFile, metricsUrl, io });
  return await runWith(service.takesProgram ? [] : childCommand, io, {
    env: environmentOf(opened[0]?.endpoint, metricsUrl),
    running,
    stop: () => commandEnded.abort(),
  });
}

/** Waits for the server to end, or runs a command that ends it. The result is the exit code. */
export async function runWith(
  childCommand: readonly string[],
  io: ProgramIo,
  { env, running, stop }: { env: Record<string, string>; running: Promise<void>; stop: () => void },
): Promise<number> {
  if (childCommand.length === 0) {
    await running;
    return EXIT.done;
  }
  const serverEnded = new AbortController();
  void running.finally(() => serverEnded.abort()).catch(() => {});
  try {
    const { runChild } = await import("../child_process.ts");
    return await runChild(childCommand, io, { env, signal: serverEnded.signal });
  } finally {
    stop();
    await running;
  }
}

/** Where the server is, for the command that uses it. */
export function environmentOf(endpoint: Endpoint | undefined, metricsUrl: string | undefined): Record<string, string> {
  if (endpoint === undefined) return {};
  const reachable = isHostEndpoint(endpoint) ? { ...endpoint, host: targetAddress(endpoint.host) } : endpoint;
  return {
    PARLEY_ENDPOINT: formatEndpoint(reachable),
    ...(isHostEndpoint(reachable) ? { PARLEY_HOST: reachable.host, PARLEY_PORT: String(reachable.port) } : {}),
    ...(metricsUrl === undefined ? {} : { PARLEY_METRICS: metricsUrl }),
  };
}

/** The other threads, which listen on the same ports. */
function startPool(service: NamedService, flags: ServeFlags, endpoints: readonly string[]): Promise<WorkerPool> {
  // What is announced, and what there is to see, is for the program's own thread.
  const own = { workers: 1, metrics: undefined, printEndpoint: false, readyFile: undefined };
  return WorkerPool.start({
    service: service.name,
    flags: { ...flags, ...own },
    endpoints: [...endpoints],
    count: flags.workers,
  });
}

/** All threads drain together; one that fails ends the others. */
async function runAll(server: Server, pool: WorkerPool | undefined, stop: AbortSignal): Promise<void> {
  if (pool === undefined) return await server.run(stop);
  const ending = AbortSignal.any([stop, pool.failed]);
  ending.addEventListener("abort", () => pool.stop(), { once: true });
  if (ending.aborted) pool.stop();
  await server.run(ending);
  await pool.ended();
}

/** The service, behind a log-in where one is asked for and the service does not ask itself. */
async function createService(
  service: NamedService,
  flags: ServeFlags,
  context: {
    log: Logger;
    authenticator: Authenticator | undefined;
    codec: Codec;
    pings: PingOptions;
    program: readonly string[];
  },
): Promise<Service> {
  const logInTimeoutMs = flags.authTimeout ?? DEFAULTS.logInTimeoutMs;
  const { authenticator, codec } = context;
  const made = await service.create(flags, { ...context, logInTimeoutMs });
  if (authenticator === undefined || service.asksForLogIn) return made;
  return logInFirst(made, { authenticator, isRaw: codec.name === "raw", timeoutMs: logInTimeoutMs });
}

function codecOf(service: NamedService, flags: ServeFlags): Codec {
  if (flags.framing !== undefined && service.takesFraming === false) {
    throw new UsageError(`${service.name} takes no --framing: a standard says each of its bytes`);
  }
  return parseFraming(flags.framing ?? service.framing(flags), { maxBytes: service.maxMessageBytes });
}

/** How the flags want to listen. */
export function listenOptionsOf(
  flags: EndpointFlags,
  { context, tls, slot, layers }: {
    context: string;
    tls: TlsServerContext | undefined;
    slot: WorkerSlot;
    layers: Pick<ListenOptions, "layers" | "layersAboveTls">;
  },
): ListenOptions {
  return {
    context,
    nextId: idsOf(slot),
    reusePort: slot.count > 1,
    writeTimeout: flags.writeTimeout,
    outboxBytes: flags.maxOutbox,
    handshakeTimeout: flags.handshakeTimeout,
    socketOptions: socketOptionsOf(flags),
    ...layers,
    ...(tls === undefined ? {} : { tls }),
    ...(flags.idleTimeout === undefined ? {} : { idleTimeout: flags.idleTimeout }),
    ...(flags.maxLifetime === undefined ? {} : { totalTimeout: flags.maxLifetime }),
  };
}

/** For people: what to open in a browser. */
function logPageAddresses(endpoints: readonly string[], log: Logger): void {
  for (const endpoint of endpoints) {
    if (/^wss?:/.test(endpoint)) {
      log.info(`the page is at ${endpoint.replace(/^ws(s?):\/\/([^/]*).*$/, "http$1://$2/")}`);
    }
  }
}
