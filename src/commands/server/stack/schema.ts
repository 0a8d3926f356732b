/**
 * The schema of a stack file. `deno task schema` generates the JSON schema for editors from it.
 *
 * @module
 */

import * as z from "zod";
import { messageOf } from "../../../base/errors.ts";
import { type FlagSpec, type FlagTable, kebabCase } from "../../../base/flag_spec.ts";
import { parseFlags } from "../../../cli/parse_flags.ts";
import { parseEndpoint } from "../../../net/endpoint.ts";
import { parsedBy } from "../../../script/file/step_schema.ts";
import { SERVICES } from "../../../services/registry.ts";
import { PEERS } from "./peers.ts";
import { loadService, type NamedService } from "../../../services/service.ts";
import { RELAY_SHARED_FLAGS } from "../relay.ts";
import { SHARED_FLAGS } from "../shared_flags.ts";

// Process-wide settings are flags of the command.
const {
  workers: _workers,
  metrics: _metrics,
  printEndpoint: _printEndpoint,
  readyFile: _readyFile,
  explain: _explain,
  trace: _trace,
  logLevel: _logLevel,
  logFormat: _logFormat,
  ...SERVICE_FLAGS
} = SHARED_FLAGS;

const endpoint = parsedBy(parseEndpoint, "Where to listen; port 0 is a free port", "tcp://127.0.0.1:0");

/** Created once, so that the JSON schema contains each once. */
const sharedFlagSchemas = flagSchemas(SERVICE_FLAGS);
const relayFlagSchemas = Object.fromEntries(
  Object.entries(sharedFlagSchemas).filter(([key]) =>
    Object.keys(RELAY_SHARED_FLAGS).some((name) => kebabCase(name) === key)
  ),
);

/** The schema of one service. */
function serviceSchema(service: NamedService) {
  return z.strictObject({
    service: z.literal(service.name).meta({ description: "The service" }),
    endpoint: endpoint.optional(),
    endpoints: z.array(endpoint).min(1).optional().meta({ description: "Where to listen" }),
    ...(service.takesProgram
      ? { program: z.array(z.string()).min(1).meta({ description: "The program to run, and its arguments" }) }
      : {}),
    ...flagSchemas(service.flags),
    ...(service.name === "relay" ? relayFlagSchemas : sharedFlagSchemas),
  }).refine(
    ({ endpoint, endpoints }) => endpoint === undefined || endpoints === undefined,
    "a service has either endpoint or endpoints",
  );
}

function flagSchemas(table: FlagTable): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [kebabCase(name), flagSchema(name, spec)]));
}

function flagSchema(name: string, spec: FlagSpec): z.ZodType {
  const one = valueSchema(name, spec);
  const all = spec.repeat ? z.union([one, z.array(one)]) : one;
  return all.optional().meta({ description: spec.help });
}

function valueSchema(name: string, spec: FlagSpec): z.ZodType {
  if (spec.type === "boolean") return z.boolean();
  if (spec.type === "choice") return z.enum(spec.choices);
  return z.union([z.string(), z.number()]).superRefine((value, context) => {
    try {
      parseFlags([`--${kebabCase(name)}=${value}`], { [name]: spec });
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error).replace(/^--[\w-]+: /, "") });
    }
  });
}

/** All services of a stack. */
export const STACK_SERVICES = [...SERVICES, ...PEERS];

const NAME = /^[A-Za-z][\w-]*$/;

const TOP = {
  $schema: z.string().optional().meta({ description: "For editors" }),
  variables: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional()
    .meta({ description: "Values of ${name}; ${env.NAME} is an environment variable" }),
};

/** The part of the file that determines the required services. */
export const outlineSchema = z.strictObject({
  ...TOP,
  services: z.record(
    z.string().regex(NAME, "a name must start with a letter and consist of letters, digits, - and _"),
    z.looseObject({ service: z.enum(STACK_SERVICES.map(({ name }) => name)) }),
  ).refine((services) => Object.keys(services).length > 0, "a stack must have at least one service"),
});

/** The schema of a file with these services, by their names in it. */
export function stackSchema(services: Readonly<Record<string, NamedService>>) {
  const known = Object.entries(services).map(([name, service]) => [name, serviceSchema(service)] as const);
  return z.strictObject({ ...TOP, services: z.strictObject(Object.fromEntries(known)) });
}

/** The schema as JSON, for editors. */
export async function stackJsonSchema(): Promise<string> {
  const services = await Promise.all(STACK_SERVICES.map(loadService));
  const schema = z.strictObject({
    ...TOP,
    services: z.record(z.string().regex(NAME), z.union(services.map(serviceSchema)))
      .meta({ description: "The services, by their names in logs, metrics and the ready file" }),
  }).meta({ title: "Stack file of parley-server" });
  return `${JSON.stringify(z.toJSONSchema(schema, { io: "input", reused: "ref" }), null, 2)}\n`;
}
