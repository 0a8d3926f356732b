/**
 * The schema of a mock file. `deno task schema` generates the JSON schema for editors from it.
 *
 * @module
 */

import * as z from "zod";
import { parseHex } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { duration, framing, hex, regex, step, stepOf, template, text } from "../file/step_schema.ts";
import type { VariableSource } from "../file/variables.ts";
import { parseYamlFile, type YamlPath } from "../file/yaml_file.ts";
import { isMessageWise } from "../exchange.ts";
import { textPayload } from "../payload.ts";
import { isRecording, parseRecording, type RecordedEvent } from "../recording.ts";
import { type ReplayOptions, replaySteps } from "../replay_steps.ts";
import { expectClose, type Pattern, patternOf, type Step } from "../steps.ts";
import type { MockEntry, MockScript } from "./mock_script.ts";

const steps = z.union([step, z.array(step).min(1)]);
const name = z.string().regex(/^[A-Za-z_]\w*$/);
const values = (description: string) => z.record(name, z.string()).meta({ description });

const when = z.strictObject({
  text: template("It contains this text").optional(),
  regex: regex("It matches; the groups are captured").optional(),
  bytes: hex("It contains these bytes").optional(),
  type: z.enum(["text", "binary"]).optional().meta({ description: "WebSocket: the message is of this type" }),
}).refine(
  ({ text, regex, bytes }) => [text, regex, bytes].filter((given) => given !== undefined).length === 1,
  "when has exactly one of text, regex, bytes",
).meta({ description: "A rule: the data from the client" });

const entry = z.strictObject({
  name: text("For reports").optional(),
  when: when.optional(),
  if: values("Only where these values are set; an empty one is not set").optional(),
  "on-connect": steps.optional().meta({ description: "Steps when the client has connected" }),
  steps: z.array(step).min(1).optional().meta({ description: "Steps, in order" }),
  reply: template("Send this: short for a single send step").optional(),
  times: z.int().min(1).optional().meta({ description: "How often it can be used: a script once, a rule always" }),
  set: values("Values to set afterwards for this connection").optional(),
  "set-global": values("Values to set afterwards for all connections").optional(),
})
  .refine(({ steps, reply }) => (steps === undefined) !== (reply === undefined), "it has either steps or reply")
  .refine(
    (given) => given.when === undefined || given["on-connect"] === undefined,
    "on-connect belongs to a script, which has no when",
  );

/** The file of a mock. */
const mockSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: "For editors" }),
  name: text("Name for reports").optional(),
  variables: z.record(name, z.string()).optional()
    .meta({ description: "Values of ${name}; ${env.NAME} is an environment variable" }),
  framing: framing.optional(),
  timeout: duration("Time limit for each expectation of a script", "5s").optional(),
  quiet: duration("Without framing, an input for when ends when nothing is received for this time", "20ms").optional(),
  "on-connect": steps.optional().meta({ description: "Sent to each client first" }),
  connections: z.array(entry).min(1).meta({ description: "Scripts, taken in order, and rules, which have a when" }),
  otherwise: z.union([z.enum(["close", "reset", "ignore"]), step, z.array(step).min(1)]).optional()
    .meta({ description: "Reaction to an input that nothing matches" }),
  expect: z.strictObject({
    connections: z.int().min(0).optional().meta({ description: "Expected number of clients" }),
    unmatched: z.int().min(0).optional().meta({ description: "Expected number of unmatched inputs" }),
  }).optional().meta({ description: "Expectations checked at the end" }),
}).meta({ title: "File of parley-server mock and parley-udp mock" });

/** The schema as JSON, for editors. */
export function mockJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(mockSchema, { io: "input", reused: "ref" }), null, 2)}\n`;
}

/** A script with its line numbers. */
interface MockFile {
  readonly script: MockScript;
  locate(path: YamlPath): string;
}

/** Options for parsing a file. */
interface MockFileOptions {
  readonly env: VariableSource["env"];
  /** Play a recording with its pauses. */
  readonly isTimed?: boolean;
}

/**
 * Parses a mock file: a script in YAML or JSON, or a recording, whose server side is played.
 *
 * @param path Path of the file, for messages.
 * @throws {UsageError} The file is invalid; the message has file, line, and path of the field.
 * @throws {PermissionError} A permission to read an environment variable is missing.
 */
export function parseMockFile(content: string, path: string, { env, isTimed = false }: MockFileOptions): MockFile {
  if (isRecording(content)) {
    return { script: scriptOfRecording(content, path, isTimed), locate: () => path };
  }
  if (isTimed) throw new UsageError(`--timed needs a recording: ${path} is a script`);
  const { value, locate } = parseYamlFile(content, path, { schema: mockSchema, env });
  const { otherwise } = value;
  const script: MockScript = {
    name: value.name,
    framing: value.framing,
    timeout: value.timeout,
    quiet: value.quiet,
    onConnect: stepsOf(value["on-connect"]),
    connections: value.connections.map(entryOf),
    otherwise: typeof otherwise === "string" ? otherwise : stepsOf(otherwise),
    expect: value.expect,
  };
  return { script, locate };
}

function stepsOf(given: z.infer<typeof steps> | undefined): Step[] | undefined {
  return given === undefined ? undefined : Array.isArray(given) ? given.map(stepOf) : [stepOf(given)];
}

function entryOf(given: z.infer<typeof entry>): MockEntry {
  return {
    name: given.name,
    when: given.when && whenOf(given.when),
    if: given.if,
    onConnect: stepsOf(given["on-connect"]),
    steps: given.reply === undefined ? stepsOf(given.steps) ?? [] : [stepOf({ send: given.reply })],
    times: given.times,
    set: given.set,
    setGlobal: given["set-global"],
  };
}

function whenOf({ text, regex, bytes, type }: z.infer<typeof when>): Pattern {
  const isText = type === undefined ? undefined : type === "text";
  const wanted = regex !== undefined
    ? new RegExp(regex, "u")
    : bytes !== undefined
    ? parseHex(bytes)
    : textPayload(text ?? "");
  return patternOf(wanted, { isText });
}

/** Each recorded connection becomes a script; the client must send exactly the recorded data. */
function scriptOfRecording(content: string, path: string, isTimed: boolean): MockScript {
  const { head, events } = parseRecording(content, path);
  const byConnection = Map.groupBy(events, ({ connection }) => connection ?? 1);
  if (byConnection.size === 0) throw new UsageError(`Cannot play ${path}: it is empty`);
  return {
    name: path,
    framing: head.framing,
    connections: [...byConnection.values()].map((events) => ({
      steps: (session) =>
        serverSteps(events, {
          isMessageWise: isMessageWise(session),
          framing: head.framing,
          canHalfClose: session.kind === "stream",
          isTimed,
        }),
    })),
  };
}

function serverSteps(
  events: readonly RecordedEvent[],
  options: Omit<ReplayOptions, "ignoresReplies" | "side">,
): Step[] {
  const steps = replaySteps(events, { ...options, ignoresReplies: false, side: "server" });
  const isEnded = events.some(({ from, data }) => from === "client" && data === undefined);
  return options.canHalfClose || !isEnded ? steps : [...steps, expectClose()];
}
