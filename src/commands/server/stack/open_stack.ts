import { ParleyError, UsageError } from "../../../base/errors.ts";
import { ReloadSignal } from "../../../cli/reload_signal.ts";
import {
  type Endpoint,
  formatEndpoint,
  isHostEndpoint,
  parseEndpoint,
  reachableEndpoint,
} from "../../../net/endpoint.ts";
import { ExpectationError } from "../../../script/expectation_error.ts";
import { type OpenService, openService } from "../open_service.ts";
import { openRelayOfStack } from "./peers.ts";
import { runAllServices } from "../serve.ts";
import { type StackService, variableOf } from "./stack_file.ts";

/** The listening services of a stack. */
export interface OpenStack extends AsyncDisposable {
  readonly services: ReadonlyMap<string, OpenService>;
}

/**
 * Opens all services; accepts nothing before they run.
 *
 * @throws {UsageError} A service rejects its settings; the message has file and line.
 */
export async function openStack(stack: readonly StackService[], reload: ReloadSignal): Promise<OpenStack> {
  await using owner = new AsyncDisposableStack();
  const opened = new Map<string, OpenService>();
  for (const service of inOpeningOrder(stack)) {
    try {
      opened.set(service.name, owner.use(await open(service, opened, reload)));
    } catch (error) {
      // Other errors, such as an address in use, have their own message and exit code.
      if (error instanceof ParleyError && !(error instanceof UsageError)) throw error;
      throw service.mistake(error);
    }
  }
  const services = new Map(stack.flatMap(({ name }) => {
    const service = opened.get(name);
    return service === undefined ? [] : [[name, service]];
  }));
  const own = owner.move();
  return { services, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

/** A relay is opened after its target services, whose ports it needs. */
function inOpeningOrder(stack: readonly StackService[]): Iterable<StackService> {
  const ordered = new Set<StackService>();
  const add = (service: StackService): void => {
    for (const other of stack) if (service.targets?.includes(other.name)) add(other);
    ordered.add(service);
  };
  stack.forEach(add);
  return ordered;
}

async function open(
  { name, service, flags, endpoints, program, targets }: StackService,
  opened: ReadonlyMap<string, OpenService>,
  reload: ReloadSignal,
): Promise<OpenService> {
  if (targets === undefined) {
    const slot = { index: 0, count: 1 };
    const own = await openService(service, flags, { endpoints, program, slot, reload });
    const run = (stop: AbortSignal) => own.run(stop).catch((error: unknown) => throwNamed(error, name));
    return { ...own, run };
  }
  const addresses = targets.map((target) => {
    const endpoint = opened.get(target)?.endpoints[0];
    return endpoint === undefined ? target : formatEndpoint(reachableEndpoint(endpoint));
  });
  return await openRelayOfStack(name, flags, { endpoints, targets: addresses, reload });
}

/** A stack may have several mocks. */
function throwNamed(error: unknown, name: string): never {
  if (!(error instanceof ExpectationError)) throw error;
  const { expected, received, offset } = error;
  throw new ExpectationError(`${name}: ${error.message}`, { expected, received, offset, cause: error });
}

/** A running stack. */
export interface StackRun extends AsyncDisposable {
  readonly opened: OpenStack;
  /** Drains all services; throws if one has failed, such as a mock. */
  shutdown(): Promise<void>;
}

/** Opens and runs all services, like {@linkcode openStack}. */
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

/** The variables of a stack for validation, with 1 for ports that are picked later. */
export function expectedVariables(stack: readonly StackService[]): Record<string, string> {
  const services = stack.map(({ name, service, endpoints, flags }) => {
    const given = endpoints.length > 0 ? endpoints : service.endpoints;
    const controlUrl = flags["control"] === undefined ? undefined : "http://127.0.0.1:1";
    return [name, { endpoints: given.map((each) => withPort(parseEndpoint(each))), controlUrl }] as const;
  });
  return stackVariables({ services: new Map(services) });
}

function withPort(endpoint: Endpoint): Endpoint {
  return isHostEndpoint(endpoint) && endpoint.port === 0 ? { ...endpoint, port: 1 } : endpoint;
}

/**
 * Environment variables with the endpoints: `PARLEY_NAME`, with `_HOST` and `_PORT`; further endpoints end in `_2`,
 * `_3`.
 */
export function stackVariables(
  { services }: { services: ReadonlyMap<string, Pick<OpenService, "endpoints" | "controlUrl">> },
): Record<string, string> {
  return Object.fromEntries(
    [...services].flatMap(([name, { endpoints, controlUrl }]) => [
      ...endpoints.flatMap((endpoint, index) =>
        variablesOf(`${variableOf(name)}${index === 0 ? "" : `_${index + 1}`}`, endpoint)
      ),
      ...controlUrl === undefined ? [] : [[`${variableOf(name)}_CONTROL`, controlUrl] as const],
    ]),
  );
}

/** Endpoints by service name. */
export function stackEndpoints({ services }: OpenStack): Record<string, string[]> {
  return Object.fromEntries(
    [...services].map(([name, { endpoints }]) => [name, endpoints.map((each) => formatEndpoint(each))]),
  );
}

function variablesOf(name: string, endpoint: Endpoint): [string, string][] {
  const at = reachableEndpoint(endpoint);
  const variables: [string, string][] = [[name, formatEndpoint(at)]];
  if (isHostEndpoint(at)) variables.push([`${name}_HOST`, at.host], [`${name}_PORT`, String(at.port)]);
  return variables;
}
