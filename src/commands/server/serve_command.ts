import { UsageError } from "../../base/errors.ts";
import type { FlagValues } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { ReloadSignal } from "../../cli/reload_signal.ts";
import { listen } from "../../factory.ts";
import { type Codec, parseFraming } from "../../framing/mod.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import { Logger } from "../../log/logger.ts";
import { DeadlineSweep } from "../../net/deadline_sweep.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { counter, type Listener } from "../../net/listener.ts";
import type { HttpRoutes } from "../../serve/http/route.ts";
import type { TlsServerContext } from "../../net/tls_server.ts";
import { Server } from "../../serve/server.ts";
import { ServerStats } from "../../serve/server_stats.ts";
import { publicRoutes } from "../../serve/sight/routes.ts";
import type { WebSocketAcceptor } from "../../serve/websocket/acceptor.ts";
import { logInFirst } from "../../services/log_in_first.ts";
import type { RegisteredService, Service } from "../../services/service.ts";
import { announceReady } from "../announce_ready.ts";
import { socketOptionsOf } from "../socket_flags.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { authenticatorOf } from "./auth_of_flags.ts";
import { gateOf } from "./gate_of_flags.ts";
import { serveMetrics } from "./serve_metrics.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";
import { tlsOfFlags } from "./tls_of_flags.ts";

type SharedFlags = FlagValues<typeof SHARED_FLAGS>;

/** The command that serves a service. */
export function serveCommand(service: RegisteredService): Command {
  return defineCommand({
    name: service.name,
    summary: service.summary,
    usage: "[ENDPOINT...]",
    examples: service.examples,
    flags: { ...service.flags, ...SHARED_FLAGS },
    notes: `Without an ENDPOINT it listens on ${service.endpoints.join(" and ")}.\n` +
      (service.asksForLogIn
        ? "With --auth a client logs in with /login NAME PASSWORD."
        : 'With --auth the first line, or first message, of a client must be "/login NAME PASSWORD"; the answer is ' +
          'a line that\nbegins with "* ", or with "! " and then the end. It must come within 10 s.'),
    run: ({ flags, args, io }) => serve(service, flags, args, io),
  });
}

async function serve(
  service: RegisteredService,
  flags: SharedFlags & Readonly<Record<string, unknown>>,
  args: readonly string[],
  io: ProgramIo,
): Promise<number> {
  configureProgramLogging(flags, io);
  const codec = codecOf(service, flags);
  const log = Logger.of(service.name);
  using reload = new ReloadSignal();
  const gate = await gateOf(flags, { reload, log });
  const authenticator = await authenticatorOf(flags, { reload, log });
  const endpoints = args.length > 0 ? args : service.endpoints;
  const tls = await tlsOfFlags(flags, endpoints, { reload, log });
  using stop = io.stop.listen();
  using listeners = new DisposableStack();
  const sweep = listeners.use(new DeadlineSweep());
  await using sight = new AsyncDisposableStack();
  const stats = new ServerStats();
  const made = await createService(service, flags, { log, authenticator, codec });
  const announced: string[] = [];
  let server: Server;
  try {
    const opened = await listenAll(endpoints, { context: service.name, tls }, flags, sweep, listeners);
    announced.push(...opened.map(({ endpoint }) => formatEndpoint(endpoint)));
    if (made.routes?.["/"] !== undefined) logPageAddresses(announced, log);
    if (flags.metrics !== undefined) {
      announced.push(await serveMetrics(flags.metrics, { stats, service: service.name, owner: sight }));
    }
    server = new Server({
      service: made,
      listeners: opened,
      codec,
      log,
      stats,
      drainTimeoutMs: flags.drainTimeout,
      maxAccepts: flags.maxAccepts,
      maxConnections: flags.maxConnections,
      gate,
      webSockets: opened.some(isWebSocket)
        ? await webSocketsOf(made, flags, { sweep, routes: publicRoutes({ stats, service: service.name }) })
        : undefined,
      rates: { messagesPerSecond: flags.rate, bytesPerSecond: flags.byteRate },
    });
  } catch (error) {
    await made[Symbol.asyncDispose]?.();
    throw error;
  }
  const running = server.run(stop.signal);
  await announceReady(announced, flags, io);
  await running;
  return 0;
}

/** The service, behind a log-in where one is asked for and the service does not ask itself. */
async function createService(
  service: RegisteredService,
  flags: Readonly<Record<string, unknown>>,
  { log, authenticator, codec }: { log: Logger; authenticator: Authenticator | undefined; codec: Codec },
): Promise<Service> {
  const made = await service.create(flags, { log, authenticator });
  if (authenticator === undefined || service.asksForLogIn) return made;
  return logInFirst(made, { authenticator, isRaw: codec.name === "raw" });
}

function codecOf(service: RegisteredService, flags: SharedFlags & Readonly<Record<string, unknown>>): Codec {
  if (flags.framing !== undefined && service.takesFraming === false) {
    throw new UsageError(`${service.name} takes no --framing: a standard says each of its bytes`);
  }
  return parseFraming(flags.framing ?? service.framing(flags));
}

async function listenAll(
  endpoints: readonly string[],
  { context, tls }: { context: string; tls: TlsServerContext | undefined },
  flags: SharedFlags,
  sweep: DeadlineSweep,
  owner: DisposableStack,
): Promise<Listener[]> {
  const nextId = counter();
  const opened: Listener[] = [];
  for (const endpoint of endpoints) {
    opened.push(owner.use(
      await listen(endpoint, {
        context,
        sweep,
        nextId,
        writeTimeout: flags.writeTimeout,
        outboxBytes: flags.outbox,
        handshakeTimeout: flags.handshakeTimeout,
        socketOptions: socketOptionsOf(flags),
        ...(tls === undefined ? {} : { tls }),
        ...(flags.idleTimeout === undefined ? {} : { idleTimeout: flags.idleTimeout }),
        ...(flags.maxLifetime === undefined ? {} : { totalTimeout: flags.maxLifetime }),
      }),
    ));
  }
  if (opened.length === 0) throw new UsageError("no endpoint to listen on");
  return opened;
}

function isWebSocket({ endpoint }: Listener): boolean {
  return endpoint.scheme === "ws" || endpoint.scheme === "wss";
}

/** For people: what to open in a browser. */
function logPageAddresses(endpoints: readonly string[], log: Logger): void {
  for (const endpoint of endpoints) {
    if (/^wss?:/.test(endpoint)) {
      log.info(`the page is at ${endpoint.replace(/^ws(s?):\/\/([^/]*).*$/, "http$1://$2/")}`);
    }
  }
}

async function webSocketsOf(
  service: Service,
  flags: SharedFlags,
  { sweep, routes }: { sweep: DeadlineSweep; routes: HttpRoutes },
): Promise<WebSocketAcceptor> {
  const { WebSocketAcceptor } = await import("../../serve/websocket/acceptor.ts");
  return await WebSocketAcceptor.create({
    routes: { ...routes, ...service.routes },
    subprotocols: service.subprotocols ?? [],
    origins: flags.origin,
    pings: { sweep, intervalMs: flags.pingInterval, answerMs: flags.pingTimeout },
    maxMessageBytes: flags.maxMessage,
  });
}
