import { escapeControls, formatHex, indexOfBytes, preview } from "../base/bytes.ts";
import { ExpectationError } from "./expectation_error.ts";
import type { ExchangeReport } from "./exchange.ts";

/** Bytes shown on either side of a difference. */
const CONTEXT_BYTES = 32;

/** Maximum received bytes to search for the expected ones. */
const SEARCH_BYTES = 64 * 1024;

/** The longest match of received and expected bytes. */
interface Difference {
  /** Length of the matching prefix of the expected bytes. */
  readonly agreed: number;
  /** Offset of the match in the received bytes. */
  readonly at: number;
}

/** Finds the longest prefix of `expected` in `received`. */
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
 * Shows expected and received bytes aligned, with a mark at the first difference. `offset` is the position of
 * `received` in the stream.
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

/** Describes a failed step: what was sent, what was received, and the difference from what was expected. */
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
