/**
 * What a smoke file may say. The JSON schema for editors is made from this, by
 * `deno task schema`.
 *
 * @module
 */

import * as z from "zod";
import { parseHex, unescape } from "../../../base/bytes.ts";
import { messageOf } from "../../../base/errors.ts";
import { parseTimerDuration } from "../../../base/units.ts";
import { parseFraming } from "../../../framing/mod.ts";
import { resolveProbe } from "../../../probe/registry.ts";
import { START_TLS_PROTOCOLS } from "../../../net/layers/start_tls.ts";

/** Text that a parser of ours must accept. */
function parsedBy(parse: (text: string) => unknown, description: string, example?: string) {
  return z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error) });
    }
  }).meta({ description, ...(example === undefined ? {} : { examples: [example] }) });
}

/**
 * Rejects what is empty, as text is of a variable that is not set: a check
 * against it would succeed whatever comes.
 */
function something(parse: (text: string) => string | Uint8Array | RegExp | number): (text: string) => unknown {
  return (text) => {
    const parsed = text === "" ? "" : parse(text);
    if (parsed === 0) throw new SyntaxError("must not be zero");
    if (typeof parsed === "string" || parsed instanceof Uint8Array) {
      if (parsed.length === 0) throw new SyntaxError("must not be empty");
    }
    return parsed;
  };
}

const duration = (description: string, example: string) => parsedBy(parseTimerDuration, description, example);
const count = (description: string) => z.int().min(0).max(1_000).meta({ description });
const text = (description: string) => parsedBy(something((value) => value), description);
const yes = (description: string) => z.literal(true).meta({ description });

const STEP = {
  send: parsedBy(
    unescape,
    "Send this text; \\n \\r \\t \\0 \\xHH are escapes, {1} and {name} captured groups",
    "hello\\n",
  ),
  "send-hex": parsedBy(parseHex, "Send these bytes", "0a 0b 0c"),
  end: yes("End our side of the connection"),
  expect: parsedBy(something(unescape), "Wait until this text comes", "hello"),
  "expect-regex": parsedBy(
    something((text) => new RegExp(text, "u")),
    "Wait until what comes matches; its groups are captured",
    "^250 (\\w+)",
  ),
  "expect-bytes": parsedBy(something(parseHex), "Wait until these bytes come", "0a 0b"),
  "expect-close": yes("Wait until the server ends the connection"),
  "expect-reset": yes("Wait until the server resets the connection"),
  "expect-silence": parsedBy(something(parseTimerDuration), "See that nothing more comes for a time", "500ms"),
};

const step = z.strictObject(STEP).partial()
  .refine((given) => Object.keys(given).length === 1, "a step has exactly one key")
  .meta({ description: "One step of an exchange", minProperties: 1, maxProperties: 1 });

const check = z.strictObject({
  wait: duration("Try again, this long in all, until it is as expected", "30s"),
  invert: z.boolean().meta({ description: "Connections must be refused: nothing is there" }),
  send: parsedBy(unescape, "Send this first", "PING\\r\\n"),
  banner: parsedBy(
    something((source) => new RegExp(source, "m")),
    "What the server says or answers first must match",
    "^SSH-2",
  ),
  "stable-for": duration("The server must not close within this time of accepting", "50ms"),
  "min-days": count("The certificate must be valid for this many days more"),
  "min-tls": z.enum(["1.2", "1.3"]).meta({ description: "Least version of TLS" }),
  status: z.union([z.int().min(100).max(599), z.string().regex(/^\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*$/)])
    .meta({ description: "HTTP status, or ranges such as 200-299,401" }),
  body: z.string().min(1).meta({ description: "The HTTP body, or the file, must contain this" }),
  "body-regex": parsedBy(
    something((source) => new RegExp(source, "m")),
    "The HTTP body, or the file, must match",
    "up",
  ),
  "body-json": z.string().regex(/^[^=]+=/).meta({ description: "PATH=VALUE: a value in the JSON body" }),
}).partial().meta({ description: "See whether the endpoint is there" });

const tls = z.strictObject({
  ca: text("File of the certificates that are trusted instead of the system's (PEM)"),
  name: text("Name that the server's certificate must be for"),
  insecure: z.boolean().meta({ description: "Accept any certificate" }),
  cert: text("File of the certificate to show (PEM)"),
  key: text("File of its private key (PEM)"),
  alpn: z.array(text("Such as h2")).meta({ description: "Application protocols to offer" }),
  starttls: z.enum(START_TLS_PROTOCOLS).meta({ description: "Begin in the clear, then change to TLS" }),
}).partial().meta({ description: "How to speak TLS" });

/** What each test may say for itself, and the file for all of them. */
const COMMON = {
  timeout: duration("For each step, and for each try of a check", "5s"),
  deadline: duration("For the whole test, with its retries", "30s"),
  retries: count("Further tries after a failure"),
  "retry-delay": duration("Wait before a further try", "200ms"),
  framing: parsedBy((name) => parseFraming(name), "How messages are told apart", "line"),
  subprotocols: z.array(text("Such as chat.v1")).meta({ description: "WebSocket subprotocols to offer" }),
  reuse: z.boolean().meta({
    description:
      "Take the connection that an earlier test has left, if it also says so and came to its end with nothing unread (tcp, tls, unix)",
  }),
  tls,
};

const EXPECTATIONS = Object.keys(STEP).filter((key) => key.startsWith("expect"));

const test = z.strictObject({
  name: z.string().min(1).meta({ description: "What is tested" }),
  endpoint: parsedBy((endpoint) => resolveProbe(endpoint), "Where", "tcp://127.0.0.1:8888"),
  tags: z.array(text("Such as fast")).optional().meta({ description: "Words to choose tests by" }),
  steps: z.array(step).min(1).optional().meta({ description: "An exchange, step by step" }),
  check: check.optional(),
  ...z.strictObject(COMMON).partial().shape,
})
  .refine(({ steps, check }) => (steps === undefined) !== (check === undefined), "a test has either steps or check")
  .refine(
    ({ steps }) => steps === undefined || steps.some((given) => EXPECTATIONS.some((key) => key in given)),
    "a test without an expectation proves nothing: add one of " + EXPECTATIONS.join(", "),
  );

/** A smoke file. */
export const smokeSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "For editors" }),
  name: z.string().optional().meta({ description: "Name of the whole, for reports" }),
  variables: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional()
    .meta({ description: "Texts that ${name} stands for; ${env.NAME} is the environment's" }),
  defaults: z.strictObject(COMMON).partial().optional().meta({ description: "What holds for every test" }),
  tests: z.array(test).min(1).meta({ description: "The tests" }),
}).meta({ title: "Smoke file of parley-client" });

/** A smoke file, checked. */
export type SmokeFile = z.infer<typeof smokeSchema>;

/** One test of a smoke file. */
export type SmokeTest = SmokeFile["tests"][number];

/** One step of a test. */
export type SmokeStep = NonNullable<SmokeTest["steps"]>[number];

/** The keys that may stand at a place of a smoke file. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const last = path.filter((part) => typeof part === "string").at(-1);
  switch (last) {
    case "steps":
      return Object.keys(STEP);
    case "check":
      return Object.keys(check.shape);
    case "tls":
      return Object.keys(tls.shape);
    case "defaults":
      return Object.keys(COMMON);
    case "tests":
      return Object.keys(test.shape);
    default:
      return Object.keys(smokeSchema.shape);
  }
}

/** The schema as JSON, for editors. */
export function smokeJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(smokeSchema, { io: "input" }), null, 2)}\n`;
}
