import { TimeoutError } from "../../../base/errors.ts";
import { formatDuration, parseDuration } from "../../../base/units.ts";
import { unescape } from "../../../base/bytes.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import { describeError, type TestReport } from "../../../cli/reporters/test_report.ts";
import { type Endpoint, isWebSocket, parseEndpoint } from "../../../net/endpoint.ts";
import type { TlsClientOptions } from "../../../net/layers/tls_client.ts";
import { pause, timeoutSignal } from "../../../net/wait.ts";
import type { Session } from "../../../session/session.ts";
import { StreamSession } from "../../../session/stream_session.ts";
import { dial, type DialOptions } from "../../../dial.ts";
import { stepOf } from "../../../script/file/step_schema.ts";
import { check as checkEndpoint, isInconclusive } from "../../../probe/check.ts";
import { resolveProbe } from "../../../probe/registry.ts";
import { CLIENT_LIMITS, codecOf } from "../dial.ts";
import { failureLines } from "../../../script/difference.ts";
import { type ExchangeOptions, type ExchangeReport, runExchange } from "../../../script/exchange.ts";
import { readTls, tlsEndpoint } from "../tls_flags.ts";
import type { SmokeTest } from "./schema.ts";
import type { SharedConnections } from "./shared_connections.ts";

const DEFAULTS = { timeout: "5s", deadline: "30s", retryDelay: "200ms", status: 101 } as const;

/** A failure with details. */
interface Failure {
  readonly error: unknown;
  /** Path of the failed part in the test, such as `["steps", 2]`. */
  readonly path: readonly PropertyKey[];
  readonly details: readonly string[];
}

/** Dependencies of a test. */
interface RunTestOptions {
  /** Aborts with its reason. */
  readonly signal: AbortSignal;
  /** Aborts the test, which then fails with its reason. */
  readonly deadline: AbortSignal;
  /** For tests that share connections. */
  readonly connections: SharedConnections;
  /** Location of a path of the test in the file. */
  readonly locate: (path: readonly PropertyKey[]) => string;
}

/** Runs one test with its retries and within its deadline. After an abort it is reported as interrupted. */
export async function runTest(
  test: SmokeTest,
  { signal, deadline, connections, locate }: RunTestOptions,
): Promise<TestReport> {
  const startMs = performance.now();
  const deadlineMs = parseDuration(test.deadline ?? DEFAULTS.deadline);
  using own = timeoutSignal(
    deadlineMs,
    () => new TimeoutError("total", `the test did not end within ${formatDuration(deadlineMs)}`),
  );
  const late = AbortSignal.any([deadline, own.signal]);
  const ended = AbortSignal.any([signal, late]);
  const retries = test.retries ?? 0;
  for (let tries = 1;; tries++) {
    const failure = await tryOnce(test, connections, ended);
    if (signal.aborted) return interrupted(test, signal, { tries, ms: performance.now() - startMs, locate });
    const isLast = tries > retries || late.aborted || isInconclusive(failure?.error);
    if (failure === undefined || isLast) {
      return reportOf(test, failure, { tries, ms: performance.now() - startMs, locate });
    }
    await pause(parseDuration(test["retry-delay"] ?? DEFAULTS.retryDelay), ended);
  }
}

async function tryOnce(
  test: SmokeTest,
  connections: SharedConnections,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  try {
    if (test.check !== undefined) return await tryCheck(test, test.check, connections, signal);
    return await (sharesConnection(test)
      ? trySharedExchange(test, connections, signal)
      : tryExchange(test, connections, signal));
  } catch (error) {
    return { error, path: [], details: [] };
  }
}

async function tryExchange(
  test: SmokeTest,
  { route }: SharedConnections,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const options = { ...await dialOptionsOf(test), ...route, context: test.name, signal };
  const session = await dial(endpointOf(test), { framing: codecOf(test), ...options });
  return failureIn(await runSteps(test, session, { signal }));
}

/** WebSocket sessions are not shared, because a message may be a reply to an earlier test. */
function sharesConnection({ endpoint, reuse }: SmokeTest): boolean {
  return reuse === true && !isWebSocket(parseEndpoint(endpoint));
}

async function trySharedExchange(
  test: SmokeTest,
  connections: SharedConnections,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const options = { ...await dialOptionsOf(test), ...connections.route, context: "smoke" };
  await using lease = await connections.acquire(endpointOf(test), test.tls, options, signal);
  const session = new StreamSession(lease.connection, codecOf(test), { answersBadMessages: false });
  const report = await runSteps(test, session, { signal, leavesOpen: true });
  if (!report.isOpen || !session.giveUp()) lease.discard();
  return failureIn(report);
}

async function runSteps(
  test: SmokeTest,
  session: Session,
  options: Pick<ExchangeOptions, "signal" | "leavesOpen">,
): Promise<ExchangeReport> {
  return await runExchange(session, (test.steps ?? []).map(stepOf), {
    timeoutMs: parseDuration(test.timeout ?? DEFAULTS.timeout),
    ...options,
  });
}

function failureIn(report: ExchangeReport): Failure | undefined {
  if (report.error === undefined) return undefined;
  return { error: report.error, path: ["steps", report.steps.length - 1], details: failureLines(report) };
}

async function tryCheck(
  test: SmokeTest,
  check: NonNullable<SmokeTest["check"]>,
  { route }: SharedConnections,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const isProtocol = resolveProbe(test.endpoint).target.endpoint === undefined;
  const endpoint = isProtocol ? test.endpoint : endpointOf(test);
  const regex = (text: string | undefined) => text === undefined ? undefined : new RegExp(text, "m");
  const result = await checkEndpoint(endpoint, {
    ...route,
    send: check.send === undefined ? undefined : unescape(check.send),
    banner: regex(check.banner),
    stableFor: check["stable-for"] === undefined ? undefined : parseDuration(check["stable-for"]),
    minDays: check["min-days"],
    minTls: check["min-tls"] && `TLSv${check["min-tls"]}`,
    subprotocols: test.subprotocols ?? [],
    status: check.status?.toString(),
    body: check.body,
    bodyRegex: regex(check["body-regex"]),
    bodyJson: check["body-json"],
    tls: await tlsOf(test),
    handshakeTimeout: test.timeout ?? DEFAULTS.timeout,
    timeout: test.timeout ?? DEFAULTS.timeout,
    wait: check.wait,
    invert: check.invert ?? false,
    signal,
  });
  return result.state === "ready" ? undefined : { error: result.error, path: ["check"], details: [] };
}

function endpointOf({ endpoint, tls }: SmokeTest): Endpoint {
  return tlsEndpoint(parseEndpoint(endpoint), { starttls: tls?.starttls });
}

async function dialOptionsOf(test: SmokeTest): Promise<DialOptions> {
  const timeout = test.timeout ?? DEFAULTS.timeout;
  return {
    ...CLIENT_LIMITS,
    connectTimeout: timeout,
    handshakeTimeout: timeout,
    writeTimeout: timeout,
    subprotocols: test.subprotocols ?? [],
    tls: await tlsOf(test),
    canReset: test.steps?.some(({ reset }) => reset) ?? false,
  };
}

async function tlsOf({ tls = {} }: SmokeTest): Promise<TlsClientOptions> {
  const { name, starttls, insecure = false, alpn = [], ...files } = tls;
  return await readTls({ ...files, insecure, alpn, serverName: name, startTls: starttls });
}

/** The report of an aborted test, possibly before its first attempt. */
export function interrupted(
  { name }: SmokeTest,
  { reason: error }: AbortSignal,
  { tries, ms, locate }: { tries: number; ms: number; locate: RunTestOptions["locate"] },
): TestReport {
  const { reason, ...described } = describeError(error);
  return {
    name,
    outcome: "interrupted",
    ms,
    tries,
    location: locate([]),
    details: [],
    reason: tries === 0 ? `not run: ${reason}` : reason,
    ...described,
  };
}

function reportOf(
  { name }: SmokeTest,
  failure: Failure | undefined,
  { tries, ms, locate }: { tries: number; ms: number; locate: RunTestOptions["locate"] },
): TestReport {
  const common = { name, ms, tries, location: locate(failure?.path ?? []) };
  if (failure === undefined) return { ...common, outcome: "passed", exitCode: EXIT.done, details: [] };
  return { ...common, outcome: "failed", details: failure.details, ...describeError(failure.error) };
}
