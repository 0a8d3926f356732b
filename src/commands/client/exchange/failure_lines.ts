import { preview } from "../../../base/bytes.ts";
import { differenceLines } from "./difference.ts";
import { ExpectationError } from "./expectation_error.ts";
import type { ExchangeReport } from "./run_exchange.ts";

/** Lines for people about the step that failed: what was sent, what came, and where it differs from what should have. */
export function failureLines(report: ExchangeReport): string[] {
  const { error, steps } = report;
  if (!(error instanceof ExpectationError)) return [];
  const sent = steps.findLast(({ step }) => step.kind === "send")?.data;
  const lines = sent === undefined ? [] : [`sent      ${preview(sent)}`];
  if (error.expected === undefined) return [...lines, `received  ${preview(error.received)}`];
  return [...lines, ...differenceLines(error.expected, error.received)];
}
