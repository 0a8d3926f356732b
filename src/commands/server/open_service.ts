import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import type { FlagValues } from "../../base/flag_spec.ts";
import type { ReloadSignal } from "../../cli/reload_signal.ts";
import type { ListenOptions } from "../../net/options.ts";
import { type Codec, parseFraming } from "../../framing/mod.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import { defaultMaxConnections } from "../../guard/open_file_limit.ts";
import { parseOrigin } from "../../http/origin.ts";
import { Logger } from "../../log/logger.ts";
import { DeadlineTimer } from "../../net/deadline_timer.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import type { TlsServerContext } from "../../net/layers/tls_server.ts";
import { onAbort } from "../../net/wait.ts";
import { listenAll } from "../../server/listen_all.ts";
import { logInFirst } from "../../server/log_in_first.ts";
import { publicRoutes } from "../../server/metrics_routes.ts";
import { webSocketsFor } from "../../server/serve.ts";
import { Server } from "../../server/server.ts";
import { ServerStats } from "../../server/server_stats.ts";
import type { Service } from "../../server/service.ts";
import type { StatsSource } from "../../server/stats_snapshot.ts";
import type { NamedService } from "../../services/service.ts";
import type { PingOptions } from "../../websocket/pinger.ts";
import { socketOptionsOf } from "../socket_flags.ts";
import { authenticatorOf, authorizerOf, gateOf } from "./access_flags.ts";
import { proxiesOf } from "./proxy_flags.ts";
import type { EndpointFlags, SHARED_FLAGS } from "./shared_flags.ts";
import { tlsContextOf } from "./tls_flags.ts";
import { WorkerPool } from "./workers/pool.ts";
import { checkWorkers, idsOf, shareOf, type WorkerSlot } from "./workers/slot.ts";

type SharedFlags = FlagValues<typeof SHARED_FLAGS>;

/** Values of the flags of a service, including the shared ones. */
export type ServeFlags = SharedFlags & Readonly<Record<string, unknown>>;

/** Options for opening a service, besides its flags. */
interface OpenServiceOptions {
  /** Endpoints; by default those of the service. */
  readonly endpoints: readonly string[];
  /** The program to run, for services that take one. */
  readonly program: readonly string[];
  /** The thread. */
  readonly slot: WorkerSlot;
  /** Reloads the files of the flags. */
  readonly reload: ReloadSignal;
}

/** A listening service. */
export interface OpenService extends AsyncDisposable {
  /** The local endpoints, with the actual ports. */
  readonly endpoints: readonly Endpoint[];
  /** Statistics of this thread. */
  readonly stats: ServerStats;
  /** Statistics of all threads. */
  readonly seen: StatsSource;
  /** Whether it serves a page to browsers. */
  readonly hasPage: boolean;
  /** Endpoint of its control API, if any. */
  readonly controlUrl?: string | undefined;
  /** Serves until the signal aborts, then drains. */
  run(stop: AbortSignal): Promise<void>;
}

/**
 * Opens a service; accepts nothing before it runs.
 *
 * @throws {UsageError} The flags do not apply to the service, or conflict.
 */
export async function openService(
  service: NamedService,
  flags: ServeFlags,
  { endpoints: given, program, slot, reload }: OpenServiceOptions,
): Promise<OpenService> {
  if (service.takesProgram && program.length === 0) throw new UsageError('no program to run: give it after "--"');
  const codec = codecOf(service, flags);
  const origins = flags.origin.map(parseOrigin);
  const log = Logger.of(service.name);
  const gate = await gateOf(flags, { reload, log });
  const authenticator = await authenticatorOf(flags, { reload, log });
  const endpoints = given.length > 0 ? given : service.endpoints;
  const { layers, isTrustedProxy } = proxiesOf(flags, endpoints);
  const authorize = await authorizerOf(flags, endpoints, { authenticator, reload, log });
  checkWorkers(flags.workers, { service, endpoints, maxAccepts: flags.exitAfter });
  const tls = await tlsContextOf(flags, endpoints, { reload, log });
  await using owner = new AsyncDisposableStack();
  const deadlineTimer = owner.use(
    DeadlineTimer.for([flags.idleTimeout, flags.maxLifetime, flags.writeTimeout, flags.pingTimeout]),
  );
  const stats = new ServerStats();
  const pings = { deadlineTimer, interval: flags.pingInterval, timeout: flags.pingTimeout };
  const made = await createService(service, flags, { log, authenticator, codec, pings, program });
  let isRun = false;
  // A server disposes of its service at its end.
  owner.defer(async () => {
    if (!isRun) await made[Symbol.asyncDispose]?.();
  });
  const listeners = owner.use(new DisposableStack());
  const options = listenOptionsOf(flags, { context: service.name, tls, slot, layers });
  const canReset = made.resetsConnections ?? false;
  const opened = await listenAll(endpoints, { ...options, deadlineTimer, canReset }, listeners);
  const bound = opened.map(({ endpoint }) => endpoint);
  const pool = flags.workers > 1 ? listeners.use(await startPool(service, flags, bound)) : undefined;
  const seen = pool?.seenWith(stats) ?? stats;
  const server = new Server({
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
      authorize,
      compresses: flags.compress,
      routes: publicRoutes({ services: [{ service: service.name, stats: seen }] }),
      maxMessageBytes: flags.maxMessage,
    }),
    isTrustedProxy,
    rates: { messagesPerSecond: flags.rate, bytesPerSecond: flags.byteRate },
  });
  const own = owner.move();
  return {
    endpoints: bound,
    stats,
    seen,
    hasPage: made.routes?.["GET /"] !== undefined,
    async run(stop) {
      isRun = true;
      await runAll(server, pool, stop);
      made.assertPassed?.();
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

/** The other threads, which listen on the same ports. */
function startPool(service: NamedService, flags: ServeFlags, endpoints: readonly Endpoint[]): Promise<WorkerPool> {
  // Announcements and metrics are up to the main thread.
  const own = { workers: 1, metrics: undefined, printEndpoint: false, readyFile: undefined };
  return WorkerPool.start({
    service: service.name,
    flags: { ...flags, ...own },
    endpoints: endpoints.map(formatEndpoint),
    count: flags.workers,
  });
}

/** All threads drain together; a failed one ends the others. */
async function runAll(server: Server, pool: WorkerPool | undefined, stop: AbortSignal): Promise<void> {
  if (pool === undefined) return await server.run(stop);
  const ending = AbortSignal.any([stop, pool.failed]);
  using _stop = onAbort(ending, () => pool.stop());
  await server.run(ending);
  await pool.ended();
}

/** Wraps the service in a login if required, unless it handles the login itself. */
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
    throw new UsageError(`${service.name} does not support --framing: its format is fixed by a standard`);
  }
  return parseFraming(flags.framing ?? service.framing(flags), { maxBytes: service.maxMessageBytes });
}

/** Listen options from the flags. */
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
    reusePort: flags.reusePort || slot.count > 1,
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
