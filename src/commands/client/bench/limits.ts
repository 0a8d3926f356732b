import { type Limit, type Metrics, parseLimit } from "../../fail_if.ts";
import { percentileMs } from "./histogram.ts";
import { errorCount, type LoadSummary } from "./summary.ts";

const METRICS: Metrics<LoadSummary> = {
  times: {
    max: ({ latency }) => latency.totalCount === 0 ? undefined : latency.maxValue / 1_000,
    mean: ({ latency }) => latency.totalCount === 0 ? undefined : latency.mean / 1_000,
  },
  shares: { loss: ({ lost, sent }) => sent === 0 ? undefined : lost / sent },
  counts: {
    errors: ({ errors }) => errorCount(errors),
    lost: ({ lost }) => lost,
    rate: ({ rate }) => rate,
  },
  percentile: ({ latency }, percent) => latency.totalCount === 0 ? undefined : percentileMs(latency, percent),
  examples: "p99>5ms, max>=1s, errors>0, rate<10000, lost>0, loss>0.1%",
};

/**
 * A limit on what a load came to.
 *
 * @throws {UsageError} The text is none.
 */
export function parseLoadLimit(text: string): Limit<LoadSummary> {
  return parseLimit(text, METRICS);
}
