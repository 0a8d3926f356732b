import { ParleyError } from "../../../base/errors.ts";
import { targetAddress } from "../../../base/ip.ts";
import type { ReloadSignal } from "../../../cli/reload_signal.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import { type OpenService, openService } from "../open_service.ts";
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

/** Where each service is, as variables: `PARLEY_NAME`, with `_HOST` and `_PORT`; further endpoints end in `_2`, `_3`. */
export function stackVariables({ services }: OpenStack): Record<string, string> {
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
