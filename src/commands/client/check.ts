import { unescape } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, kebabCase } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT, exitCodeOf } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { StatusLine } from "../../cli/status_line.ts";
import { styleOf } from "../../cli/style.ts";
import type { GivenFlag } from "../../cli/parse_flags.ts";
import { LOG_LEVELS } from "../../log/logger.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { PROTOCOLS } from "../../probe/registry.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { checkEndpoint } from "./check/check_endpoint.ts";
import { type Expectations, probeFor } from "./check/probe.ts";
import { type CheckOutcome, outcomeLine, outcomeObject, reasonFor } from "./check/report.ts";
import { refuseIdleFlags } from "./idle_flags.ts";
import { START_TLS_FLAGS, TLS_FLAGS, tlsConnectOptions, tlsEndpoint } from "./tls_flags.ts";

const FLAGS = {
  wait: { type: "duration", help: "try again, TIME in all, until it is as expected" },
  timeout: { type: "duration", default: "5s", help: "for one try" },
  invert: { type: "boolean", help: "succeed only if connections are refused: nothing is there" },
  all: { type: "boolean", help: "every endpoint must be as expected (the default)" },
  any: { type: "boolean", help: "one endpoint is enough" },
  send: { type: "text", placeholder: "DATA", help: "send DATA first (escapes as in \\n; over UDP it is a line end)" },
  banner: { type: "text", placeholder: "REGEX", help: "what the server says or answers first must match" },
  stableFor: {
    type: "duration",
    help: "the server must not close within TIME of accepting (default 50ms, with --banner 0)",
  },
  minDays: { type: "integer", help: "the certificate must be valid for N more days" },
  minTls: { type: "choice", choices: ["1.2", "1.3"], help: "least version of TLS" },
  subprotocol: { type: "text", repeat: true, placeholder: "NAME", help: "a WebSocket subprotocol to agree on" },
  status: { type: "integer", default: 101, placeholder: "CODE", help: "HTTP status of the WebSocket handshake" },
  json: { type: "boolean", help: "one JSON object an endpoint on standard output" },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "warning", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
  ...TLS_FLAGS,
  ...START_TLS_FLAGS,
} as const satisfies FlagTable;

/** `parley-client check`. */
export const checkCommand = defineCommand({
  usage: "ENDPOINT...",
  schemes: ["udp", ...PROTOCOLS.flatMap(({ schemes }) => schemes)],
  examples: [
    { words: "check --banner '^SSH-2' 127.0.0.1:22", does: "see what the server says first" },
    { words: "check --min-days 14 tls://db.internal:5433", does: "is the certificate trusted, and for how long" },
    { words: "check ws://127.0.0.1:8765/chat udp://127.0.0.1:5000", does: "the WebSocket handshake; an answer by UDP" },
    { words: "check --invert --wait 10s 127.0.0.1:8888", does: "wait until the port is free" },
  ],
  flags: FLAGS,
  notes: [
    "One line an endpoint. The exit code is that of the endpoint that failed, or 1 when several failed differently.",
    "--invert succeeds only if every address refuses: a timeout, a reset or a failed handshake proves no absence.",
  ].join("\n"),
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    if (args.length === 0) throw new UsageError("no endpoint to check");
    if (flags.all && flags.any) throw new UsageError("--all and --any exclude each other");
    const targets = args.map((text) => targetOf(text, flags));
    refuseIdleFlags(given, targets.map(({ endpoint }) => endpoint));
    if (flags.invert) rejectExpectations(given);
    if (flags.stableFor !== undefined && flags.stableFor >= flags.timeout) {
      throw new UsageError("--stable-for must be shorter than --timeout, which limits each try");
    }
    for (const hint of targets.flatMap((target) => hintFor(target, flags) ?? [])) {
      io.stderr.write(`parley-client: ${hint}\n`);
    }
    const expected = await expectationsOf(flags);
    using stop = io.stop.listen();
    const outcomes = await checkAll(targets, expected, flags, stop.signal, io);
    return exitCodeFor(outcomes, flags.any);
  },
});

/** What a server must be like says nothing where none must be. */
function rejectExpectations(given: readonly GivenFlag[]): void {
  const names = ["send", "banner", "stableFor", "minDays", "minTls", "subprotocol", "status", "alpn"];
  const found = given.find(({ name }) => names.includes(name));
  if (found) throw new UsageError(`--invert and --${kebabCase(found.name)} cannot be combined`);
}

type CheckFlags = FlagValues<typeof FLAGS>;

interface Target {
  readonly endpoint: Endpoint;
  readonly text: string;
  /** Only host and port, or a port, were given. */
  readonly isBare: boolean;
}

/** Servers that accept connections long before they answer. */
const SLOW_STARTERS: Readonly<Record<number, string>> = {
  1433: "SQL Server",
  3306: "MySQL",
  5432: "PostgreSQL",
  5672: "RabbitMQ",
  6379: "Redis",
  9042: "Cassandra",
  9092: "Kafka",
  9200: "Elasticsearch",
  27017: "MongoDB",
};

/** What a TCP check cannot see, for a port that was given without a scheme. */
function hintFor({ endpoint, text, isBare }: Target, flags: CheckFlags): string | undefined {
  if (!isBare || endpoint.scheme !== "tcp" || flags.invert || flags.banner !== undefined) return undefined;
  const name = SLOW_STARTERS[endpoint.port];
  if (name === undefined) return undefined;
  return `hint: ${name}, whose port is ${endpoint.port}, accepts connections while it is still starting; ` +
    `this checks TCP only (give ${text} to omit this hint)`;
}

function targetOf(text: string, flags: CheckFlags): Target {
  const endpoint = tlsEndpoint(parseEndpoint(text), flags);
  // An endpoint that cannot be checked is a mistake, to be told before anything is tried.
  probeFor(endpoint);
  return { endpoint, text: formatEndpoint(endpoint), isBare: !/^[\w+]+:\/\//.test(text) };
}

async function expectationsOf(flags: CheckFlags): Promise<Expectations> {
  return {
    send: flags.send === undefined ? undefined : unescape(flags.send),
    banner: regexOf(flags.banner),
    stableForMs: flags.stableFor,
    minDays: flags.minDays,
    minTls: flags.minTls && `TLSv${flags.minTls}`,
    subprotocols: flags.subprotocol,
    status: flags.status,
    connect: await tlsConnectOptions(flags),
  };
}

function regexOf(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, "m");
  } catch (error) {
    throw new UsageError(`--banner: "${text}" is not a regular expression`, { cause: error });
  }
}

async function checkAll(
  targets: readonly Target[],
  expected: Expectations,
  flags: CheckFlags,
  signal: AbortSignal,
  io: ProgramIo,
): Promise<readonly CheckOutcome[]> {
  const style = styleOf(io);
  const width = Math.max(...targets.map(({ text }) => text.length));
  const enough = new AbortController();
  using status = new StatusLine(io);
  return await Promise.all(targets.map(async (target) => {
    const outcome = await checkOne(target, expected, flags, AbortSignal.any([signal, enough.signal]), status);
    if (flags.any && "ok" in outcome && outcome.ok) enough.abort(new NotNeeded());
    status.clear();
    io.stdout.write(`${flags.json ? JSON.stringify(outcomeObject(outcome)) : outcomeLine(outcome, width, style)}\n`);
    return outcome;
  }));
}

async function checkOne(
  { endpoint, text }: Target,
  expected: Expectations,
  flags: CheckFlags,
  signal: AbortSignal,
  status: StatusLine,
): Promise<CheckOutcome> {
  try {
    const result = await checkEndpoint(endpoint, expected, {
      timeoutMs: flags.timeout,
      waitMs: flags.wait,
      isInverted: flags.invert,
      signal,
      onFailure: (error, tries) => status.show(`waiting for ${text}: ${reasonFor(error, text)} (try ${tries})`),
    });
    return { endpoint: text, ...result };
  } catch (error) {
    if (error instanceof NotNeeded) return { endpoint: text, skipped: true };
    throw error;
  }
}

function exitCodeFor(outcomes: readonly CheckOutcome[], isOneEnough: boolean): number {
  const codes = outcomes.flatMap((outcome) =>
    "skipped" in outcome ? [] : [outcome.ok ? EXIT.done : exitCodeOf(outcome.error)]
  );
  const failures = new Set(codes.filter((code) => code !== EXIT.done));
  if (failures.size === 0 || isOneEnough && codes.includes(EXIT.done)) return EXIT.done;
  const [only] = failures;
  return failures.size === 1 && only !== undefined ? only : EXIT.unexpected;
}

/** Why a check is given up: another endpoint was enough. */
class NotNeeded extends Error {}
