import { roundTo } from "../../../base/units.ts";
import { formatHex } from "../../../base/bytes.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import type { Session } from "../../../session/session.ts";
import type { ExchangeReport, StepReport } from "../../../script/exchange.ts";
import { typeName } from "../../../script/expectations.ts";
import { isUtf8 } from "../../../script/encodable.ts";

/** What `send --json` prints. */
export function reportObject(
  report: ExchangeReport,
  { session, exitCode, ms }: { session: Session; exitCode: number; ms: number },
): object {
  const { error } = report;
  return {
    ok: error === undefined,
    exitCode,
    endpoint: formatEndpoint(session.remote),
    ms: roundTo(ms, 1),
    receivedBytes: report.receivedBytes,
    steps: report.steps.map(stepObject),
    captures: Object.fromEntries(report.captures),
    unmatched: dataObject(report.unmatched),
    ...(error === undefined ? {} : { error: { name: error.name, message: error.message } }),
  };
}

function stepObject({ step, ms, data, received, isText, error }: StepReport): object {
  return {
    step: step.kind === "expect" ? `expect ${step.pattern.kind}` : step.kind,
    ok: error === undefined,
    ms: roundTo(ms, 1),
    ...(step.kind === "expect" && step.pattern.kind === "regex" ? { regex: step.pattern.source } : {}),
    ...(isText === undefined ? {} : { type: typeName({ isText }) }),
    ...(data === undefined ? {} : { data: dataObject(data) }),
    ...(received === undefined ? {} : { received: dataObject(received) }),
  };
}

/** Bytes as text where they are text, otherwise as hexadecimal digits. */
function dataObject(bytes: Uint8Array): object {
  return isUtf8(bytes) ? { text: new TextDecoder().decode(bytes) } : { hex: formatHex(bytes) };
}
