import { messageOf, UsageError } from "../../../base/errors.ts";
import { kebabCase } from "../../../base/flag_spec.ts";
import { parseFlags } from "../../../cli/parse_flags.ts";
import { parseEndpoint } from "../../../net/endpoint.ts";
import type { VariableSource } from "../../../script/file/variables.ts";
import { parseYamlFile, type YamlPath } from "../../../script/file/yaml_file.ts";
import { loadService, type NamedService } from "../../../services/service.ts";
import type { ServeFlags } from "../open_service.ts";
import { SHARED_FLAGS } from "../shared_flags.ts";
import { readMockScript } from "./peers.ts";
import { outlineSchema, STACK_SERVICES, stackSchema } from "./schema.ts";

/** One service of a stack. */
export interface StackService {
  /** Its name in the file. */
  readonly name: string;
  /** The service under that name. */
  readonly service: NamedService;
  readonly flags: ServeFlags;
  /** Endpoints; empty for the service's defaults. */
  readonly endpoints: readonly string[];
  /** The program to run, for services that take one. */
  readonly program: readonly string[];
  /** Targets of a relay: endpoints or names of other services of the stack. */
  readonly targets: readonly string[] | undefined;
  /** Creates the error for a mistake in this service. */
  mistake(error: unknown): UsageError;
}

/**
 * Parses and validates a stack file in YAML or JSON.
 *
 * @param name Name of the file, for messages.
 * @param at Path of the stack in a file of another kind.
 * @throws {UsageError} The file is invalid; the message has file, line, and path of the field.
 */
export async function parseStackFile(
  text: string,
  name: string,
  env: VariableSource["env"],
  at: YamlPath = [],
): Promise<readonly StackService[]> {
  const outline = parseYamlFile(text, name, { schema: outlineSchema, env, at }).value;
  const services = Object.fromEntries(
    await Promise.all(
      Object.entries(outline.services).map(async ([key, { service }]) => [key, await serviceOf(service)] as const),
    ),
  );
  const file = parseYamlFile(text, name, { schema: stackSchema(services), env, at });
  const stack = await Promise.all(
    Object.entries(file.value.services).map(async ([key, given]) => {
      const service = services[key];
      if (service === undefined) throw new TypeError(`Cannot find the service "${key}"`);
      const { service: _, endpoint, endpoints, ...rest } = given;
      const { program = [], ...flags } = { program: undefined, ...rest } as { program?: string[] };
      const mistake = (error: unknown) => file.mistake(["services", key], messageOf(error));
      return {
        name: key,
        service: { ...service, name: key },
        flags: flagValues(service, service.name === "mock" ? await withFraming(flags, mistake) : flags),
        endpoints: endpoint === undefined ? endpoints ?? [] : [endpoint],
        program,
        targets: service.name === "relay" ? [(flags as { target?: string | string[] }).target ?? []].flat() : undefined,
        mistake,
      };
    }),
  );
  for (const service of stack) checkTargets(service, stack, (text) => file.mistake(["services", service.name], text));
  return stack;
}

/** Checks that targets are endpoints or services, and that no relay forwards to itself. */
function checkTargets(
  { name, targets = [] }: Pick<StackService, "name" | "targets">,
  stack: readonly Pick<StackService, "name" | "targets">[],
  mistake: (text: string) => UsageError,
): void {
  const named = new Map(stack.map((service) => [service.name, service]));
  for (const target of targets) {
    if (named.has(target)) continue;
    if (/^[A-Za-z][\w-]*$/.test(target)) throw mistake(`target: there is no service "${target}" in the stack`);
    try {
      parseEndpoint(target);
    } catch (error) {
      throw mistake(`target: ${messageOf(error)}`);
    }
  }
  const upstream = new Set(targets);
  for (const target of upstream) {
    if (target === name) throw mistake("target: the relay forwards to itself");
    for (const further of named.get(target)?.targets ?? []) upstream.add(further);
  }
}

async function serviceOf(name: string): Promise<NamedService> {
  const entry = STACK_SERVICES.find((service) => service.name === name);
  if (entry === undefined) throw new UsageError(`Cannot serve "${name}": no such service`);
  return await loadService(entry);
}

/** The script of a mock determines its framing. */
async function withFraming(
  flags: { readonly file?: string; readonly timed?: boolean },
  mistake: StackService["mistake"],
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { framing } = await readMockScript(flags);
    return framing === undefined ? flags : { framing, ...flags };
  } catch (error) {
    throw error instanceof UsageError ? mistake(error) : error;
  }
}

/** The values of the same flags on a command line. */
function flagValues(service: NamedService, given: Readonly<Record<string, unknown>>): ServeFlags {
  const words = Object.entries(given).flatMap(([key, value]) =>
    [value].flat().flatMap((one) => one === true ? [`--${key}`] : one === false ? [] : [`--${key}=${one}`])
  );
  // Parsed with the service's table and the shared one, so the values have these types.
  return parseFlags(words, { ...service.flags, ...SHARED_FLAGS }).flags as ServeFlags;
}

/** Name of the environment variable, `PARLEY_NAME`. */
export function variableOf(name: string): string {
  return `PARLEY_${kebabCase(name).replaceAll("-", "_").toUpperCase()}`;
}
