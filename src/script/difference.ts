import { escapeControls, formatHex, indexOfBytes, preview } from "../base/bytes.ts";
import { ExpectationError } from "./expectation_error.ts";
import type { ExchangeReport } from "./exchange.ts";

/** Bytes shown on either side of a difference. */
const CONTEXT_BYTES = 32;

/** No more of what came is searched for what was expected. */
const SEARCH_BYTES = 64 * 1024;

/** How far what came agrees with what was expected. */
export interface Difference {
  /** Bytes of what was expected that were found, from its start. */
  readonly agreed: number;
  /** Where in what came these bytes stand. */
  readonly at: number;
}

/** The longest beginning of `expected` that `received` holds, and where. */
export function findDifference(expected: Uint8Array, received: Uint8Array): Difference {
  const searched = received.subarray(0, SEARCH_BYTES);
  let best: Difference = { agreed: 0, at: 0 };
  const first = expected.subarray(0, 1);
  for (
    let at = indexOfBytes(searched, first);
    at !== -1 && first.length > 0;
    at = indexOfBytes(searched, first, at + 1)
  ) {
    let agreed = 1;
    while (agreed < expected.length && at + agreed < searched.length && searched[at + agreed] === expected[agreed]) {
      agreed++;
    }
    if (agreed > best.agreed) best = { agreed, at };
  }
  return best;
}

/**
 * Lines that show what was expected above what came, aligned, with a mark
 * where they begin to differ. `offset` is where in the whole stream what came
 * begins.
 */
export function differenceLines(expected: Uint8Array, received: Uint8Array, offset = 0): string[] {
  const { agreed, at } = findDifference(expected, received);
  const show = isText(expected) && isText(received.subarray(0, SEARCH_BYTES)) ? showText : showHex;
  const from = Math.max(0, agreed - CONTEXT_BYTES);
  const lead = from > 0 || at + from > 0 ? "..." : "";
  const common = show(expected.subarray(from, agreed));
  const gap = show === showHex && common !== "" ? " " : "";
  const wanted = show(expected.subarray(agreed, agreed + CONTEXT_BYTES));
  const came = show(received.subarray(at + agreed, at + agreed + CONTEXT_BYTES));
  const more = (bytes: Uint8Array, end: number) => bytes.length > end ? "..." : "";
  const cut = agreed + CONTEXT_BYTES;
  return [
    `expected  ${from > 0 ? "..." : " ".repeat(lead.length)}${common}${gap}${wanted}${more(expected, cut)}`,
    `received  ${lead}${common}${gap}${came === "" ? "(nothing more)" : came}${more(received, at + cut)}`,
    `          ${" ".repeat(lead.length + common.length + gap.length)}^ differs at byte ${at + agreed}${
      offset > 0 ? `, byte ${offset + at + agreed} of the stream` : ""
    }`,
  ];
}

/** Lines for people about the step that failed: what was sent, what came, and where it differs from what should have. */
export function failureLines(report: Pick<ExchangeReport, "error" | "steps">): string[] {
  const { error, steps } = report;
  if (!(error instanceof ExpectationError)) return [];
  const sent = steps.findLast(({ step }) => step.kind === "send")?.data;
  const lines = sent === undefined ? [] : [`sent      ${preview(sent)}`];
  if (error.expected === undefined) return [...lines, `received  ${preview(error.received)}`];
  return [...lines, ...differenceLines(error.expected, error.received, error.offset)];
}

function isText(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  // deno-lint-ignore no-control-regex
  return !/[\ufffd\x00-\x08\x0e-\x1f]/.test(text);
}

function showText(bytes: Uint8Array): string {
  return escapeControls(new TextDecoder().decode(bytes));
}

function showHex(bytes: Uint8Array): string {
  return formatHex(bytes).replaceAll(/(..)(?!$)/g, "$1 ");
}
