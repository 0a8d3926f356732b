import { escapeControls, toJsonLine } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, kebabCase } from "../../base/flag_spec.ts";
import { formatDuration, roundTo } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { commonExitCode, EXIT, exitCodeOf } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { print } from "../../cli/print.ts";
import type { GivenFlag } from "../../cli/parse_flags.ts";
import { StatusLine } from "../../cli/status_line.ts";
import { type Style, styleOf } from "../../cli/style.ts";
import { type Endpoint, formatHostPort, parseEndpoint } from "../../net/endpoint.ts";
import { missingFor } from "../../probe/applicable.ts";
import { check, type CheckOptions, type CheckResult, reasonFor } from "../../probe/check.ts";
import type { Facts, ProbeTarget } from "../../probe/probe.ts";
import { PROTOCOLS, resolveProbe, slowSchemeOf } from "../../probe/registry.ts";
import { configureProgramLogging, streamLogFlags } from "../program_logging.ts";
import { EXPECTATION_FLAGS, expectationsOf, rejectInapplicableFlags } from "./check_flags.ts";
import { readsVariables } from "./handshake_flags.ts";
import { ROUTE_FLAGS, routeConnectOptions } from "./route_flags.ts";
import { tlsEndpoint } from "./tls_flags.ts";

const FLAGS = {
  wait: { type: "duration", help: "retry for up to TIME until ready" },
  interval: { type: "duration", help: "delay between attempts (default 25ms, growing to 150ms)" },
  timeout: { type: "duration", default: "5s", help: "maximum time for one attempt" },
  all: { type: "boolean", help: "every endpoint must be ready (the default)" },
  any: { type: "boolean", help: "one ready endpoint is enough" },
  invert: { type: "boolean", help: "succeed only if every connection is refused" },
  quiet: { type: "boolean", short: "q", help: "print only failures" },
  json: { type: "boolean", help: "print one JSON object per endpoint" },
  ...EXPECTATION_FLAGS,
  ...ROUTE_FLAGS,
  ...streamLogFlags("warning"),
} as const satisfies FlagTable;

type CheckFlags = FlagValues<typeof FLAGS>;

/** `parley-client check`. */
export const checkCommand = defineCommand({
  usage: "ENDPOINT... [-- COMMAND]",
  schemes: PROTOCOLS.flatMap(({ schemes }) => schemes),
  examples: [
    { words: "check --wait 60s http://:8080/health -- npm test", does: "then run a command and exit with its code" },
    { words: "check --status 200 --body-json db.status=up http://web/health", does: "check status and body" },
    { words: "check --banner '^SSH-2' 127.0.0.1:22", does: "check the greeting" },
    {
      words: "check --min-days 14 tls://db.internal:5433",
      does: "the certificate must be trusted and not expire soon",
    },
    { words: "check --invert --wait 10s 127.0.0.1:8888", does: "wait until the port is free" },
  ],
  flags: FLAGS,
  notes: [
    "One line per endpoint. The exit code is that of the endpoint that failed, or 1 if several failed differently.",
    "Each protocol (postgres, mysql, redis, http, grpc, kafka, ...) is checked by its own handshake; tcp only accepts.",
    "--invert succeeds only if every address refuses; a timeout, a reset or a failed handshake does not count.",
  ].join("\n"),
  readsEnvironment: true,
  takesCommand: true,
  async run({ flags, args, given, childCommand, io }) {
    configureProgramLogging(flags, io);
    if (args.length === 0) throw new UsageError("no endpoint to check");
    if (flags.all && flags.any) throw new UsageError("--all and --any cannot be combined");
    const targets = args.flatMap(portsOf).map((text) => targetOf(text, flags));
    rejectInapplicableFlags(given, targets.map(({ target }) => target));
    if (flags.invert) rejectExpectations(given);
    rejectUnroutable(given, targets.map(({ target }) => target));
    rejectLongStability(flags, targets);
    for (
      const hint of targets.flatMap((target) =>
        [hintFor(target, flags) ?? [], loginHintFor(target, flags) ?? []].flat()
      )
    ) {
      io.stderr.write(`parley-client: ${hint}\n`);
    }
    if (childCommand[0] !== undefined) (await import("../../process/spawn.ts")).requestRun(childCommand[0]);
    const options = { ...await expectationsOf(flags), ...await routeConnectOptions(flags) };
    if (!flags.login?.startsWith("env:") && !readsVariables(flags) && childCommand.length === 0) {
      await io.dropPermissions?.("env");
    }
    // Standard output belongs to the command.
    const report = childCommand.length === 0 ? io.stdout : io.stderr;
    const code = await checkAll(targets, options, flags, io, report);
    if (childCommand.length === 0) return code;
    if (code !== EXIT.done) {
      io.stderr.write(`parley-client: not ready: "${childCommand[0]}" was not run\n`);
      return code;
    }
    const { runChild } = await import("../child_process.ts");
    return await runChild(childCommand, io);
  },
});

interface Target {
  readonly endpoint: string | Endpoint;
  readonly target: ProbeTarget;
  /** Only a port, or host and port, was given. */
  readonly isBare: boolean;
}

/** Maximum endpoints in a port range. */
const MAX_RANGE = 1_024;

/** Expands a port range such as `db:8000-8010`; any other text is one endpoint. */
export function portsOf(text: string): string[] {
  const [, before, first, last, after = ""] =
    /^(?!(?:exec|file|unix|ws\+unix|unixgram):)((?:[a-z+]+:\/\/)?[^/?#]*:|)(\d+)-(\d+)([/?].*)?$/i.exec(text) ?? [];
  if (before === undefined) return [text];
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > MAX_RANGE) {
    throw new UsageError(`Cannot check "${text}": a range has 1 to ${MAX_RANGE} ports, the lower one first`);
  }
  return Array.from({ length: count }, (_, index) => `${before}${Number(first) + index}${after}`);
}

/** An endpoint that cannot be checked is a mistake, reported before anything is tried. */
function targetOf(text: string, flags: CheckFlags): Target {
  const { definition, target } = resolveProbe(text);
  const endpoint = definition.isTransport ? tlsEndpoint(parseEndpoint(text), flags) : text;
  return {
    endpoint,
    target: resolveProbe(endpoint).target,
    isBare: !/^[a-z][\w+.-]*:(?!\d)/i.test(text) && target.port > 0,
  };
}

/** A target that cannot use the route must be rejected, not checked over another route. */
function rejectUnroutable(given: readonly GivenFlag[], targets: readonly ProbeTarget[]): void {
  const isRouted = (name: string, { scheme }: ProbeTarget) => {
    if (scheme === "udp" || scheme === "dns") return name === "proxy" || name === "proxyResolve";
    return !/^(?:unixgram|exec|file)$/.test(scheme);
  };
  const routes = given.filter(({ name }) => Object.hasOwn(ROUTE_FLAGS, name));
  const target = targets.find((target) => routes.some(({ name }) => !isRouted(name, target)));
  const found = target && routes.find(({ name }) => !isRouted(name, target));
  if (found === undefined || target === undefined) return;
  throw new UsageError(
    `--${kebabCase(found.name)} cannot be used with ${target.text}: it is not checked over a TCP connection`,
  );
}

/** Expectations are meaningless if there must be no server. */
function rejectExpectations(given: readonly GivenFlag[]): void {
  // A proxy does not report reliably that a port is closed.
  const isUnusable = (name: string) =>
    name === "proxy" || Object.hasOwn(EXPECTATION_FLAGS, name) && !name.startsWith("tls");
  const found = given.find(({ name }) => isUnusable(name));
  if (found) throw new UsageError(`--invert and --${kebabCase(found.name)} cannot be combined`);
}

/** The connection is observed within one attempt. */
function rejectLongStability(flags: CheckFlags, targets: readonly Target[]): void {
  if (flags.stableFor === undefined || !targets.some(({ target }) => target.endpoint !== undefined)) return;
  if (flags.stableFor < flags.timeout) return;
  throw new UsageError("--stable-for must be shorter than --timeout, which limits each attempt");
}

/** Warns that credentials in the endpoint alone are not tried. */
function loginHintFor({ target }: Target, flags: CheckFlags): string | undefined {
  const { password, text } = target;
  if (password === "" || flags.login !== undefined || flags.invert) return undefined;
  if (missingFor("login", [target]) !== undefined) return undefined;
  return `hint: the password for ${text} is not checked: add --login url to log in with it`;
}

/** A hint for a well-known port without a scheme, which only gets a TCP check. */
function hintFor({ target: { scheme, port, host, text }, isBare }: Target, flags: CheckFlags): string | undefined {
  const usual = slowSchemeOf(port);
  if (!isBare || scheme !== "tcp" || usual === undefined || flags.invert || flags.banner !== undefined) {
    return undefined;
  }
  return `hint: a server on port ${port} accepts connections before it is ready: ` +
    `use ${usual}://${formatHostPort(host, port)} to check that it is (or ${text} to omit this hint)`;
}

async function checkAll(
  targets: readonly Target[],
  options: CheckOptions,
  flags: CheckFlags,
  io: ProgramIo,
  report: ProgramIo["stdout"],
): Promise<number> {
  const style = styleOf(io);
  const width = Math.max(...targets.map(({ target }) => target.text.length));
  const enough = new AbortController();
  using stop = io.stop.listen();
  // Commands run in their own process groups, which do not end when the terminal is closed.
  using _further = targets.some(({ target: { scheme } }) => scheme === "exec") ? io.stop.includeFurther() : undefined;
  using status = new StatusLine(io);
  const outcomes = await Promise.all(targets.map(async ({ endpoint, target: { text } }): Promise<CheckOutcome> => {
    const outcome = await orSkipped(
      text,
      check(endpoint, {
        ...options,
        timeout: flags.timeout,
        wait: flags.wait,
        interval: flags.interval,
        invert: flags.invert,
        signal: AbortSignal.any([stop.signal, enough.signal]),
        onFailure: (error, tries) => status.show(`waiting for ${text}: ${reasonFor(error, text)} (try ${tries})`),
      }),
    );
    if (flags.any && "state" in outcome && outcome.state === "ready") enough.abort(new NotNeeded());
    status.clear();
    if (flags.quiet && ("skipped" in outcome || outcome.state === "ready")) return outcome;
    await print(
      { stdout: report, stop },
      flags.json ? toJsonLine(outcomeObject(outcome)) : `${outcomeLine(outcome, width, style)}\n`,
    );
    return outcome;
  }));
  return exitCodeFor(outcomes, flags.any);
}

async function orSkipped(endpoint: string, checking: Promise<CheckOutcome>): Promise<CheckOutcome> {
  try {
    return await checking;
  } catch (error) {
    if (error instanceof NotNeeded) return { endpoint, skipped: true };
    throw error;
  }
}

function exitCodeFor(outcomes: readonly CheckOutcome[], isOneEnough: boolean): number {
  const codes = outcomes.flatMap((outcome) =>
    "skipped" in outcome ? [] : [outcome.state === "ready" ? EXIT.done : exitCodeOf(outcome.error)]
  );
  const failures = codes.filter((code) => code !== EXIT.done);
  if (failures.length === 0 || isOneEnough && codes.includes(EXIT.done)) return EXIT.done;
  return commonExitCode(failures);
}

/** Abort reason of a check that is no longer needed. */
class NotNeeded extends Error {}

/** The result for one endpoint, or that it was not needed. */
type CheckOutcome = CheckResult | { readonly endpoint: string; readonly skipped: true };

/** The result as text. */
function outcomeLine(outcome: CheckOutcome, width: number, style: Style): string {
  const name = outcome.endpoint.padEnd(width);
  if ("skipped" in outcome) return `${style.faint("skip")}  ${name}  not needed`;
  if (outcome.state !== "ready") {
    return `${style.bad("fail")}  ${name}  ${reasonFor(outcome.error, outcome.endpoint)}${effort(outcome)}`;
  }
  const facts = Object.entries(outcome.facts).map(([key, value]) => `${key}=${factText(value)}`);
  return `${style.good("ok")}    ${name}  ${[formatDuration(Math.round(outcome.ms)), ...facts].join("  ")}`;
}

/** The result as JSON. */
function outcomeObject(outcome: CheckOutcome): object {
  const { endpoint } = outcome;
  if ("skipped" in outcome) return { endpoint, skipped: true };
  const { state, tries, error } = outcome;
  const ok = state === "ready";
  const ms = roundTo(outcome.ms, 1);
  const reasons = outcome.reasons.size === 0 ? {} : { reasons: Object.fromEntries(outcome.reasons) };
  if (ok) return { endpoint, ok, state, ms, tries, ...reasons, ...outcome.facts };
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { endpoint, ok, state, exitCode: exitCodeOf(error), ms, tries, ...reasons, error: { name, message } };
}

function effort({ tries, ms }: CheckResult): string {
  return tries === 1 ? "" : ` (${tries} tries in ${formatDuration(Math.round(ms))})`;
}

function factText(value: Facts[string]): string {
  const text = escapeControls(Array.isArray(value) ? value.join(",") : String(value));
  return /\s/.test(text) ? JSON.stringify(text) : text;
}
