import { Backoff } from "../base/backoff.ts";
import { escapeControls } from "../base/bytes.ts";
import {
  ClosedEarlyError,
  hasCode,
  messageOf,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  TimeoutError,
  TlsError,
  UpgradeError,
  UsageError,
} from "../base/errors.ts";
import { type Duration, formatDuration, parseDuration } from "../base/units.ts";
import type { ConnectOptions } from "../net/options.ts";
import type { Deadline } from "../net/deadline.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { type Credentials, type Facts, notReady, NotReadyError, type ProbeExpectations } from "./probe.ts";
import { assertExpectations } from "./content.ts";
import { type ResolvedTarget, resolveProbe } from "./registry.ts";
import { type RetryResult, retryUntil } from "./retry.ts";

/** Pauses between attempts are short, so that a server is noticed soon after it has started. */
const BACKOFF = { first: 25, max: 150, jitter: 0.4 } as const;
const TIMEOUT_MS = 5_000;

/** How an endpoint is checked. */
export interface CheckOptions extends ProbeExpectations {
  /**
   * Maximum time for one attempt.
   *
   * @default {"5s"}
   */
  readonly timeout?: Duration;
  /**
   * Retries until the endpoint is ready or this time is over.
   *
   * @default {undefined} One attempt.
   */
  readonly wait?: Duration | undefined;
  /**
   * Pause between attempts.
   *
   * @default {undefined} 25 ms at first, growing to 150 ms.
   */
  readonly interval?: Duration | undefined;
  /**
   * Logs in with these credentials, or with those of the endpoint's URL.
   *
   * @default {undefined} Does not log in.
   */
  readonly login?: Credentials | "url" | undefined;
  /**
   * Succeeds only if nothing accepts connections there.
   *
   * @default {false}
   */
  readonly invert?: boolean;
  /** TLS settings. */
  readonly tls?: ConnectOptions["tls"];
  /** Maximum time for the TLS handshake. */
  readonly handshakeTimeout?: Duration;
  /** Opens connections, for example through a proxy; datagrams go directly. */
  readonly dialer?: ConnectOptions["dialer"];
  /** Layers between each connection and its TLS. */
  readonly layers?: ConnectOptions["layers"];
  /** Ends the check with its reason. */
  readonly signal?: AbortSignal;
  /** Called after each failed attempt. */
  readonly onFailure?: (error: unknown, tries: number) => void;
}

/** The result of a check. */
export interface CheckResult {
  /** The endpoint, without credentials. */
  readonly endpoint: string;
  /** `"not ready"`: the server reported so; `"failed"`: it is unreachable, or an expectation was not met. */
  readonly state: "ready" | "not ready" | "failed";
  /** What the probe learned, if it is ready. */
  readonly facts: Facts;
  /** The last failure, if it is not ready. */
  readonly error?: unknown;
  /** How many attempts were made. */
  readonly tries: number;
  /** Duration of the whole check, in milliseconds. */
  readonly ms: number;
  /** How many attempts failed for each reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

/**
 * Checks whether an endpoint is ready, or waits until it is. A server behind a protocol URL, such as
 * `postgres://db:5432` or `http://web/health`, must answer in that protocol; one behind a socket endpoint, such as
 * `tcp://db:5432`, must accept the connection and keep it open for a moment.
 *
 * @example An echo server is up
 * ```ts
 * import { listen } from "@parley/parley";
 * import { check } from "@parley/parley/probe";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * assertEquals((await check(listener.endpoint)).state, "ready");
 * ```
 *
 * @throws {SyntaxError} The endpoint cannot be parsed, or its scheme is not known.
 * @throws {UsageError} An expectation is malformed, or does not apply.
 * @throws The signal's reason.
 */
export async function check(endpoint: string | Endpoint, options: CheckOptions = {}): Promise<CheckResult> {
  const resolved = resolveProbe(endpoint);
  assertExpectations(options);
  const { target, definition } = resolved;
  const text = target.text;
  const stableForMs = parseDuration(options.stableFor ?? 0);
  const insecureWarned = new Set<string>();
  const result: RetryResult<Facts> = await retryUntil(
    (deadline) => {
      const work = probeOnce(resolved, options, deadline, insecureWarned);
      return options.invert ? inverted(work, text) : work;
    },
    {
      timeoutMs: parseDuration(options.timeout ?? TIMEOUT_MS),
      waitMs: options.wait === undefined ? undefined : parseDuration(options.wait),
      // The probe of a transport does so itself: it keeps its connection open for that time.
      stableForMs: definition.isTransport ? undefined : stableForMs,
      notStable: () => notReady(target, `it did not stay ready for ${formatDuration(stableForMs)}`),
      signal: options.signal ?? new AbortController().signal,
      backoff: backoffOf(options.interval),
      isFinal: isInconclusive,
      ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
    },
  );
  const { tries, ms, reasons } = result;
  if (result.ok) return { endpoint: text, state: "ready", facts: result.value, tries, ms, reasons };
  const { error } = result;
  if (error instanceof UsageError) throw error;
  const state = error instanceof NotReadyError ? "not ready" : "failed";
  return { endpoint: text, state, facts: {}, error, tries, ms, reasons };
}

/**
 * Waits until every endpoint is ready.
 *
 * @example Before the tests begin
 * ```ts
 * import { listen } from "@parley/parley";
 * import { waitFor } from "@parley/parley/probe";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * await waitFor([listener.endpoint], { wait: "30s" });
 * ```
 *
 * @param options `wait` is 60 s by default.
 * @throws The error of the first endpoint that was not ready in time; the other checks are cancelled.
 */
export async function waitFor(
  endpoints: string | Endpoint | readonly (string | Endpoint)[],
  options: CheckOptions = {},
): Promise<CheckResult[]> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  return await Promise.all(
    [endpoints].flat().map(async (endpoint) => {
      const result = await check(endpoint, { wait: "60s", ...options, signal });
      if (result.state === "ready") return result;
      failed.abort(result.error);
      throw result.error;
    }),
  );
}

/** Whether the failure is on this side, and proves nothing about the server. */
export function isInconclusive(error: unknown): boolean {
  return error instanceof PermissionError || error instanceof UsageError || error instanceof SyntaxError ||
    error instanceof RangeError || error instanceof Deno.errors.NotCapable;
}

/** The reason of a failure without the endpoint, for lines that start with the endpoint. */
export function reasonFor(error: unknown, endpoint: string): string {
  if (error instanceof RefusedError && error.attempts.length > 0) {
    const attempts = error.attempts.map(({ address, reason }) => `${address}: ${reason}`);
    return error.attempts.length === 1 ? error.attempts[0]?.reason ?? "" : attempts.join(", ");
  }
  // For a protocol URL, errors of the connection name the socket's endpoint.
  const authority = endpoint.replace(/^[^/]*\/\//, "").replace(/\/.*$/s, "");
  const names = [endpoint, `tcp://${authority}`, `tls://${authority}`];
  const text = names.reduce((message, name) =>
    message
      .replace(`Cannot connect to ${name}: `, "")
      .replace(`Cannot connect to ${name} through `, "through ")
      .replace(`Cannot speak TLS with ${name}: `, "")
      .replace(`Cannot open ${name}: `, "")
      .replace(`${name} is not ready: `, "not ready: ")
      .replace(new RegExp(`^${RegExp.escape(name)} `), ""), messageOf(error));
  // A server must not be able to send control sequences to the terminal.
  return escapeControls(text);
}

async function probeOnce(
  { definition, target }: ResolvedTarget,
  options: CheckOptions,
  deadline: Deadline,
  insecureWarned: Set<string>,
): Promise<Facts> {
  const timeoutMs = deadline.remainingMs;
  const { tls, handshakeTimeout, dialer, layers } = options;
  const login = options.login === "url" ? credentialsIn(target) : options.login;
  let tlsFacts: Facts = {};
  const { probe } = await definition.load();
  const facts = await probe({
    target,
    expected: options,
    deadline,
    login,
    isPolling: options.wait !== undefined && !options.invert,
    connect: {
      insecureWarned,
      ...(tls && { tls }),
      ...(handshakeTimeout === undefined ? {} : { handshakeTimeout }),
      ...(dialer && { dialer }),
      ...(layers && { layers }),
    },
    onTls: (learned) => tlsFacts = learned,
  }).catch((cause: unknown) => {
    const { text: endpoint } = target;
    if (!isReadTimeout(cause, endpoint)) throw cause;
    const message = `${endpoint} did not complete its reply within ${formatDuration(Math.round(timeoutMs))}`;
    throw new TimeoutError("reply", message, { endpoint, cause });
  });
  return { ...tlsFacts, ...facts };
}

/** Whether a read timed out. Its message would give the remaining time of the attempt, not the configured timeout. */
function isReadTimeout(error: unknown, endpoint: string): boolean {
  return error instanceof TimeoutError && error.phase === "reply" && error.endpoint !== endpoint;
}

function credentialsIn({ text, user, password }: ResolvedTarget["target"]): Credentials {
  if (user !== "" || password !== "") return { user, password };
  throw new UsageError(`Cannot log in to ${text}: the URL contains no user name and no password`);
}

function backoffOf(interval: Duration | undefined): { next(): number } {
  if (interval === undefined) return new Backoff(BACKOFF);
  const ms = parseDuration(interval);
  return { next: () => ms };
}

/** Only "connection refused" proves that nothing accepts connections; other failures may be of an accepted one. */
async function inverted(work: Promise<Facts>, endpoint: string): Promise<Facts> {
  const present = (how: string) => new ParleyError(`${endpoint} accepts connections${how}`, { endpoint });
  try {
    await work;
  } catch (error) {
    if (isAbsent(error)) return { found: reasonFor(error, endpoint) };
    if (isOfConnection(error)) throw present(` (${reasonFor(error, endpoint)})`);
    throw error;
  }
  throw present("");
}

/** Whether only an accepted connection can fail with this error. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ResetError || error instanceof ClosedEarlyError || error instanceof TlsError ||
    error instanceof UpgradeError || error instanceof NotReadyError ||
    error instanceof TimeoutError && error.phase === "handshake";
}

/** Whether every address refused the connection, the socket file is missing, or the UDP port is closed. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false;
  if (error.attempts.length > 0) return error.attempts.every(({ reason }) => /refused/i.test(reason));
  return error.cause === undefined || hasCode(error, "ECONNREFUSED", "ENOENT");
}
