import { messageOf } from "../../base/errors.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { ReloadSignal } from "../../cli/reload_signal.ts";
import { Logger } from "../../log/logger.ts";
import { type Endpoint, formatEndpoint, reachableEndpoint } from "../../net/endpoint.ts";
import { ExpectationError } from "../../script/expectation_error.ts";
import { serveMetrics } from "../../server/serve_metrics.ts";
import { loadService, type NamedService, type ServiceEntry } from "../../services/service.ts";
import { announceReady, openReadyFile } from "../announce_ready.ts";
import { endpointVariables } from "../endpoint_variables.ts";
import { configureServerLogging } from "../server_logging.ts";
import { type OpenService, openService, type ServeFlags } from "./open_service.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";
import type { WorkerSlot } from "./workers/slot.ts";
import { expandSystemdSockets, namesSystemdSockets } from "./systemd_sockets.ts";

/** Options for running a service, besides its flags. */
export interface ServeOptions {
  /** The thread. */
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
    readsEnvironment: (_, args) => args.some(namesSystemdSockets),
    takesCommand: true,
    run: ({ flags, args, childCommand, io }) => serve(service, flags, expandSystemdSockets(args), io, { childCommand }),
  });
}

/**
 * Serves until a signal, or until the command has ended. Returns the exit code, that of the command if there is one.
 *
 * @throws {UsageError} The flags do not apply to the service, or conflict.
 */
export async function serve(
  service: NamedService,
  flags: ServeFlags,
  args: readonly string[],
  io: ProgramIo,
  { slot = { index: 0, count: flags.workers }, childCommand = [] }: ServeOptions = {},
): Promise<number> {
  await using _log = configureServerLogging(flags, io);
  using readyFile = openReadyFile(flags.readyFile);
  using reload = new ReloadSignal(io.stop);
  using owner = new DisposableStack();
  const stop = slot.stop ?? owner.use(io.stop.listen()).signal;
  const program = service.takesProgram ? childCommand : [];
  await using opened = await openService(service, flags, { endpoints: args, program, slot, reload });
  // The programs of clients have process groups of their own, which would outlive this one.
  using _further = program.length > 0 ? io.stop.includeFurther() : undefined;
  const announced = opened.endpoints.map((endpoint) => formatEndpoint(endpoint));
  if (opened.hasPage) logPageAddresses(announced, Logger.of(service.name));
  await using metrics = flags.metrics === undefined
    ? undefined
    : await serveMetrics(flags.metrics, opened.seen, { service: service.name });
  return await runServices([opened], {
    stop,
    io,
    command: service.takesProgram ? [] : childCommand,
    env: environmentOf(opened.endpoints[0], metrics?.url),
    onServing() {
      slot.onServing?.(opened.stats);
      return announceReady(announced, { printEndpoint: flags.printEndpoint, readyFile, metricsUrl: metrics?.url, io });
    },
  });
}

/** Options for running services. */
export interface RunServicesOptions {
  /** Drains all. */
  readonly stop: AbortSignal;
  readonly io: ProgramIo;
  /** A command to run meanwhile, if not empty; the services drain when it has ended. */
  readonly command: readonly string[];
  /** Environment variables for the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Called once connections are accepted; the command starts when it is done. */
  readonly onServing: () => Promise<void>;
}

/** Runs services until the signal, or until the command has ended. Returns the exit code. */
export async function runServices(
  services: readonly OpenService[],
  { stop, io, command, env, onServing }: RunServicesOptions,
): Promise<number> {
  const ended = new AbortController();
  const running = runAllServices(services, AbortSignal.any([stop, ended.signal]));
  return await runWith(command, io, { env, running, announce: onServing, stop: () => ended.abort() });
}

/** Runs services until the signal; a failed one ends the others. */
export async function runAllServices(services: readonly OpenService[], stop: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const ending = AbortSignal.any([stop, failed.signal]);
  const results = await Promise.allSettled(services.map(async (service) => {
    try {
      await service.run(ending);
    } catch (error) {
      failed.abort();
      throw error;
    }
  }));
  const mocks: ExpectationError[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    // A mock may have failed only because another service ended it.
    if (!(result.reason instanceof ExpectationError)) throw result.reason;
    mocks.push(result.reason);
  }
  const [first, ...more] = mocks;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  throw new ExpectationError(mocks.map(messageOf).join("\n"), { received: first.received, cause: first });
}

/** A server that runs. */
interface RunningServer {
  /** Environment variables for the command. */
  readonly env: Readonly<Record<string, string>>;
  readonly running: Promise<void>;
  /** Announces the server; the command starts when it is done. */
  readonly announce: () => Promise<void>;
  readonly stop: () => void;
}

/** Announces a server, then waits for it to end, or runs a command that ends it. Returns the exit code. */
export async function runWith(
  command: readonly string[],
  io: ProgramIo,
  { env, running, announce, stop }: RunningServer,
): Promise<number> {
  // Reported below.
  running.catch(() => {});
  try {
    await announce();
  } catch (error) {
    stop();
    await running;
    throw error;
  }
  if (command.length === 0) {
    await running;
    return EXIT.done;
  }
  const serverEnded = new AbortController();
  void running.finally(() => serverEnded.abort()).catch(() => {});
  let code: number | undefined;
  try {
    const { runChild } = await import("../child_process.ts");
    code = await runChild(command, io, { env, signal: serverEnded.signal });
  } finally {
    stop();
    await running.catch((error: unknown) => {
      if (code === EXIT.done) throw error;
      // The command's failure takes precedence, because a mock's failure is often its consequence.
      io.stderr.write(`parley-server: ${messageOf(error)}\n`);
    });
  }
  return code;
}

/** Environment variables with the server's endpoint, for the command. */
export function environmentOf(endpoint: Endpoint | undefined, metricsUrl: string | undefined): Record<string, string> {
  if (endpoint === undefined) return {};
  return {
    ...endpointVariables(reachableEndpoint(endpoint)),
    ...(metricsUrl === undefined ? {} : { PARLEY_METRICS: metricsUrl }),
  };
}

/** Logs the URL for browsers. */
function logPageAddresses(endpoints: readonly string[], log: Logger): void {
  for (const endpoint of endpoints) {
    if (/^wss?:/.test(endpoint)) {
      log.info(`the page is at ${endpoint.replace(/^ws(s?):\/\/([^/]*).*$/, "http$1://$2/")}`);
    }
  }
}
