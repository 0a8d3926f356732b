/**
 * The schema of a smoke file. `deno task schema` generates the JSON schema for editors from it.
 *
 * @module
 */

import * as z from "zod";
import { unescape } from "../../../base/bytes.ts";
import { START_TLS_PROTOCOLS } from "../../../net/layers/start_tls.ts";
import { resolveProbe } from "../../../probe/registry.ts";
import {
  count,
  duration,
  framing,
  isExpectation,
  parsedBy,
  something,
  step,
  text,
} from "../../../script/file/step_schema.ts";

const check = z.strictObject({
  wait: duration("Retry for up to this time until the result is as expected", "30s"),
  invert: z.boolean().meta({ description: "Connections must be refused (port closed)" }),
  send: parsedBy(unescape, "Send this first", "PING\\r\\n"),
  banner: parsedBy(
    something((source) => new RegExp(source, "m")),
    "The first data from the server must match",
    "^SSH-2",
  ),
  "stable-for": duration("The server must not close within this time of accepting", "50ms"),
  "min-days": count("The certificate must be valid for at least this many days"),
  "min-tls": z.enum(["1.2", "1.3"]).meta({ description: "Minimum TLS version" }),
  status: z.union([z.int().min(100).max(599), z.string().regex(/^\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*$/)])
    .meta({ description: "HTTP status, or ranges such as 200-299,401" }),
  body: z.string().min(1).meta({ description: "The HTTP body, or the file, must contain this" }),
  "body-regex": parsedBy(
    something((source) => new RegExp(source, "m")),
    "The HTTP body, or the file, must match",
    "up",
  ),
  "body-json": z.string().regex(/^[^=]+=/).meta({ description: "PATH=VALUE: a value in the JSON body" }),
}).partial().meta({ description: "Check whether the endpoint is ready" });

const tls = z.strictObject({
  ca: text("File of trusted certificates, instead of the system's (PEM)"),
  name: text("Name that the server's certificate must be valid for"),
  insecure: z.boolean().meta({ description: "Accept any certificate" }),
  cert: text("File of the client certificate (PEM)"),
  key: text("File of its private key (PEM)"),
  alpn: z.array(text("Such as h2")).meta({ description: "Application protocols to offer" }),
  starttls: z.enum(START_TLS_PROTOCOLS).meta({ description: "Start in plaintext, then upgrade to TLS (STARTTLS)" }),
}).partial()
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), "cert and key must be given together")
  .refine(({ ca, insecure }) => !insecure || ca === undefined, "insecure and ca cannot be combined")
  .meta({ description: "TLS settings" });

/** Settings of a test, or of the file for all tests. */
const COMMON = {
  timeout: duration("Time limit for each step, and for each attempt of a check", "5s"),
  deadline: duration("Time limit for the whole test, including retries", "30s"),
  retries: count("Number of retries after a failure"),
  "retry-delay": duration("Delay before a retry", "200ms"),
  framing,
  subprotocols: z.array(text("Such as chat.v1")).meta({ description: "WebSocket subprotocols to offer" }),
  reuse: z.boolean().meta({
    description: "Reuse the connection of an earlier test with reuse that left nothing unread (tcp, tls, unix)",
  }),
  tls,
};

const EXPECTATIONS = Object.keys(step.shape).filter(isExpectation);

const test = z.strictObject({
  name: z.string().min(1).meta({ description: "The endpoint to test" }),
  endpoint: parsedBy((endpoint) => resolveProbe(endpoint), "Where", "tcp://127.0.0.1:8888"),
  tags: z.array(text("Such as fast")).optional().meta({ description: "Tags to select tests by" }),
  steps: z.array(step).min(1).optional().meta({ description: "The steps of an exchange" }),
  check: check.optional(),
  ...z.strictObject(COMMON).partial().shape,
})
  .refine(({ steps, check }) => (steps === undefined) !== (check === undefined), "a test has either steps or check")
  .refine(
    ({ steps }) => steps === undefined || steps.some((given) => Object.keys(given).some(isExpectation)),
    "a test without an expectation proves nothing: add one of " + EXPECTATIONS.join(", "),
  );

const inlineStack = z.strictObject({ services: z.record(z.string(), z.looseObject({})) });

/** The stack of a smoke file: the name of a file, or a stack without variables of its own. */
export const stackOfSmoke = z.union([text("File of the stack, from the folder of this file"), inlineStack])
  .optional()
  .meta({ description: "Services to start for the run; ${PARLEY_NAME} is where one listens" });

/** A smoke file. */
export const smokeSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "For editors" }),
  name: z.string().optional().meta({ description: "Name for reports" }),
  variables: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional()
    .meta({ description: "Values of ${name}; ${env.NAME} is an environment variable" }),
  stack: stackOfSmoke,
  defaults: z.strictObject(COMMON).partial().optional().meta({ description: "Defaults for every test" }),
  tests: z.array(test).min(1).meta({ description: "The tests" }),
}).meta({ title: "Smoke file of parley-client" });

/** A validated smoke file. */
export type SmokeFile = z.infer<typeof smokeSchema>;

/** One test of a smoke file. */
export type SmokeTest = SmokeFile["tests"][number];

/** The schema as JSON, for editors. */
export function smokeJsonSchema(): string {
  const schema = z.toJSONSchema(smokeSchema, {
    io: "input",
    override({ zodSchema, jsonSchema }) {
      if (zodSchema !== inlineStack) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      jsonSchema.$ref = "../../server/stack/stack.schema.json";
    },
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
