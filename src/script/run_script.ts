import { DEFAULTS } from "../base/defaults.ts";
import { type Duration, parseDuration } from "../base/units.ts";
import { Exchange, type ExchangeReport, type ExchangeSession } from "./exchange.ts";
import type { Captures } from "./payload.ts";
import type { Step } from "./steps.ts";

/** Options of {@linkcode runScript}. */
export interface ScriptOptions {
  /**
   * Time limit per step; for a reply to begin, not for all of it.
   *
   * @default {"5s"}
   */
  timeout?: Duration;
  /** Earlier captures. */
  captures?: Captures;
  /** Aborts with its reason. */
  signal?: AbortSignal;
  /**
   * Leaves the session open after success, with what no step has matched, for another script or a loop.
   *
   * @default {false}
   */
  leavesOpen?: boolean;
}

/**
 * Runs steps in order on a dialed or accepted session. The session is closed at the end.
 *
 * @example A greeting and its answer
 * ```ts
 * import { dial } from "@parley/parley";
 * import { expect, runScript, send } from "@parley/parley/script";
 * import { serve } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve("tcp://127.0.0.1:0", async (session) => {
 *   for await (const message of session) session.send(`250 hello ${message.text().slice(5)}`);
 * });
 * const session = await dial(server.endpoint);
 * const { captures } = await runScript(session, [send("EHLO me"), expect(/^250 hello (?<name>\w+)/)]);
 * assertEquals(captures.get("name"), "me");
 * ```
 *
 * @throws {ExpectationError} The peer's reply was not the expected one.
 * @throws {TimeoutError} A step took too long.
 * @throws {ClosedEarlyError} The peer closed before the end of the script.
 */
export async function runScript(
  session: ExchangeSession,
  steps: readonly Step[],
  options: ScriptOptions = {},
): Promise<ExchangeReport> {
  const { timeout = DEFAULTS.replyTimeoutMs, ...rest } = options;
  const exchange = new Exchange(session, { timeoutMs: parseDuration(timeout), ...rest });
  const error = await exchange.run(steps);
  const staysOpen = rest.leavesOpen === true && error === undefined;
  const report = staysOpen ? await exchange.release() : await exchange.end();
  if (report.error !== undefined) throw report.error;
  if (staysOpen) session.unreceive?.(exchange.inbox.units);
  return report;
}
