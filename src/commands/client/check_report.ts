import { formatDuration } from "../../base/units.ts";
import { exitCodeOf } from "../../cli/exit_codes.ts";
import type { Style } from "../../cli/style.ts";
import { type CheckResult, reasonFor } from "../../probe/check.ts";
import type { Facts } from "../../probe/probe.ts";

/** The result for one endpoint, or that another one was enough. */
export type CheckOutcome = CheckResult | { readonly endpoint: string; readonly skipped: true };

/** One line for people. */
export function outcomeLine(outcome: CheckOutcome, width: number, style: Style): string {
  const name = outcome.endpoint.padEnd(width);
  if ("skipped" in outcome) return `${style.faint("skip")}  ${name}  not needed`;
  if (outcome.state !== "ready") {
    return `${style.bad("fail")}  ${name}  ${reasonFor(outcome.error, outcome.endpoint)}${effort(outcome)}`;
  }
  const facts = Object.entries(outcome.facts).map(([key, value]) => `${key}=${factText(value)}`);
  return `${style.good("ok")}    ${name}  ${[formatDuration(Math.round(outcome.ms)), ...facts].join("  ")}`;
}

/** One object for programs. */
export function outcomeObject(outcome: CheckOutcome): object {
  const { endpoint } = outcome;
  if ("skipped" in outcome) return { endpoint, skipped: true };
  const { state, tries, error } = outcome;
  const ok = state === "ready";
  const ms = Math.round(outcome.ms * 10) / 10;
  const reasons = outcome.reasons.size === 0 ? {} : { reasons: Object.fromEntries(outcome.reasons) };
  if (ok) return { endpoint, ok, state, ms, tries, ...reasons, ...outcome.facts };
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  return { endpoint, ok, state, exitCode: exitCodeOf(error), ms, tries, ...reasons, error: { name, message } };
}

function effort({ tries, ms }: CheckResult): string {
  return tries === 1 ? "" : ` (${tries} tries in ${formatDuration(Math.round(ms))})`;
}

function factText(value: Facts[string]): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /\s/.test(text) ? JSON.stringify(text) : text;
}
