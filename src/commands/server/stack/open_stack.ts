import { ParleyError } from "../../../base/errors.ts";
import { targetAddress } from "../../../base/ip.ts";
import { ReloadSignal } from "../../../cli/reload_signal.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint } from "../../../net/endpoint.ts";
import { type OpenService, openService } from "../open_service.ts";
import { runAllServices } from "../serve.ts";
import { type StackService, variableOf } from "./stack_file.ts";

/** The services of a stack, all of which listen. */
export interface OpenStack extends AsyncDisposable {
  readonly services: ReadonlyMap<string, OpenService>;
}

/**
 * Opens every service; nothing is accepted before they run.
 *
 * @throws {UsageError} A service does not take what the file says; file and line are named.
 */
export async function openStack(stack: readonly StackService[], reload: ReloadSignal): Promise<OpenStack> {
  await using owner = new AsyncDisposableStack();
  const services = new Map<string, OpenService>();
  for (const { name, service, flags, endpoints, program, mistake } of stack) {
    const slot = { index: 0, count: 1 };
    try {
      services.set(name, owner.use(await openService(service, flags, { endpoints, program, slot, reload })));
    } catch (error) {
      // An address in use, say, names itself and has an exit code of its own.
      if (error instanceof ParleyError && !/^UsageError$/.test(error.name)) throw error;
      throw mistake(error);
    }
  }
  const own = owner.move();
  return { services, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

/** A stack that serves. */
export interface StackRun extends AsyncDisposable {
  readonly opened: OpenStack;
  /** Drains every service; it throws where one has failed, such as a mock. */
  shutdown(): Promise<void>;
}

/** Opens every service and serves, as {@linkcode openStack} does. */
export async function runStack(stack: readonly StackService[]): Promise<StackRun> {
  await using owner = new AsyncDisposableStack();
  const reload = owner.use(new ReloadSignal());
  const opened = owner.use(await openStack(stack, reload));
  const stop = new AbortController();
  const finished = runAllServices([...opened.services.values()], stop.signal);
  finished.catch(() => {}); // Thrown by shutdown().
  const own = owner.move();
  const shutdown = async () => {
    stop.abort();
    try {
      await finished;
    } finally {
      await own.disposeAsync();
    }
  };
  return { opened, shutdown, [Symbol.asyncDispose]: shutdown };
}

/**
 * The variables that a stack will have. Ports that are picked later are 1,
 * which is enough to check what refers to them.
 */
export function expectedVariables(stack: readonly StackService[]): Record<string, string> {
  const services = stack.map(({ name, service, endpoints }) => {
    const given = endpoints.length > 0 ? endpoints : service.endpoints;
    return [name, { endpoints: given.map((each) => withPort(parseEndpoint(each))) }] as const;
  });
  return stackVariables({ services: new Map(services) });
}

function withPort(endpoint: Endpoint): Endpoint {
  return isHostEndpoint(endpoint) && endpoint.port === 0 ? { ...endpoint, port: 1 } : endpoint;
}

/** Where each service is, as variables: `PARLEY_NAME`, with `_HOST` and `_PORT`; further endpoints end in `_2`, `_3`. */
export function stackVariables(
  { services }: { services: ReadonlyMap<string, Pick<OpenService, "endpoints">> },
): Record<string, string> {
  return Object.fromEntries(
    [...services].flatMap(([name, { endpoints }]) =>
      endpoints.flatMap((endpoint, index) =>
        variablesOf(`${variableOf(name)}${index === 0 ? "" : `_${index + 1}`}`, endpoint)
      )
    ),
  );
}

/** Where each service is, by its name. */
export function stackEndpoints({ services }: OpenStack): Record<string, string[]> {
  return Object.fromEntries(
    [...services].map(([name, { endpoints }]) => [name, endpoints.map((each) => formatEndpoint(each))]),
  );
}

function variablesOf(name: string, endpoint: Endpoint): [string, string][] {
  if (!isHostEndpoint(endpoint)) return [[name, formatEndpoint(endpoint)]];
  const host = targetAddress(endpoint.host);
  return [
    [name, formatEndpoint({ ...endpoint, host })],
    [`${name}_HOST`, host],
    [`${name}_PORT`, String(endpoint.port)],
  ];
}
