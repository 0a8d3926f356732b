import { formatEndpoint } from "../../../net/endpoint.ts";
import type { LoadPlan } from "./load_plan.ts";
import { latenciesOf, type LoadSummary } from "./summary.ts";

/** What it came to, for programs; latencies are in milliseconds. */
export function reportObject(
  plan: LoadPlan,
  summary: LoadSummary,
  failed: readonly string[],
  exitCode: number,
): object {
  return {
    ok: exitCode === 0,
    exitCode,
    endpoint: formatEndpoint(plan.endpoint),
    plan: {
      connections: plan.connections,
      depth: plan.depth,
      size: plan.size,
      framing: plan.framing,
      rate: plan.rate,
      pool: plan.poolSize,
    },
    elapsedMs: Math.round(summary.elapsedMs),
    sent: summary.sent,
    answered: summary.answered,
    lost: summary.lost,
    rate: Math.round(summary.rate),
    latencyMs: latenciesOf(summary.latency),
    ...(plan.rate === undefined ? {} : { serviceMs: latenciesOf(summary.service) }),
    errors: Object.fromEntries(summary.errors),
    seconds: summary.seconds,
    failed,
  };
}
