import { messageOf, RefusedError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { exitCodeOf } from "../../../cli/exit_codes.ts";
import type { Style } from "../../../cli/style.ts";
import type { Facts } from "./probe.ts";
import type { TryResult } from "./try_until.ts";

/** What is known of one endpoint at the end; "skipped" when another one was enough. */
export type CheckOutcome = { readonly endpoint: string } & (TryResult<Facts> | { readonly skipped: true });

/** One line for people. */
export function outcomeLine(outcome: CheckOutcome, width: number, style: Style): string {
  const name = outcome.endpoint.padEnd(width);
  if ("skipped" in outcome) return `${style.faint("skip")}  ${name}  not needed`;
  if (!outcome.ok) {
    return `${style.bad("fail")}  ${name}  ${reasonFor(outcome.error, outcome.endpoint)}${effort(outcome)}`;
  }
  const facts = Object.entries(outcome.value).map(([key, value]) => `${key}=${factText(value)}`);
  return `${style.good("ok")}    ${name}  ${[formatDuration(Math.round(outcome.ms)), ...facts].join("  ")}`;
}

/** One object for programs. */
export function outcomeObject(outcome: CheckOutcome): object {
  const { endpoint } = outcome;
  if ("skipped" in outcome) return { endpoint, skipped: true };
  const { ok, tries } = outcome;
  const ms = Math.round(outcome.ms * 10) / 10;
  if (outcome.ok) return { endpoint, ok, ms, tries, ...outcome.value };
  const { name, message } = outcome.error instanceof Error
    ? outcome.error
    : { name: "Error", message: String(outcome.error) };
  return { endpoint, ok, exitCode: exitCodeOf(outcome.error), ms, tries, error: { name, message } };
}

/** Why it failed, without the endpoint, which stands on the same line. */
export function reasonFor(error: unknown, endpoint: string): string {
  if (error instanceof RefusedError && error.attempts.length > 0) {
    const attempts = error.attempts.map(({ address, reason }) => `${address}: ${reason}`);
    return error.attempts.length === 1 ? error.attempts[0]?.reason ?? "" : attempts.join(", ");
  }
  return messageOf(error)
    .replace(`Cannot connect to ${endpoint}: `, "")
    .replace(`Cannot speak TLS with ${endpoint}: `, "")
    .replace(`Cannot open ${endpoint}: `, "")
    .replace(`${endpoint} `, "");
}

function effort({ tries, ms }: { tries: number; ms: number }): string {
  return tries === 1 ? "" : ` (${tries} tries in ${formatDuration(Math.round(ms))})`;
}

function factText(value: Facts[string]): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /\s/.test(text) ? JSON.stringify(text) : text;
}
