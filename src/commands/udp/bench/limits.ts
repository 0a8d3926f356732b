import { type Limit, type Metrics, parseLimit } from "../../fail_if.ts";
import type { BenchResult } from "./result.ts";

const METRICS: Metrics<BenchResult> = {
  times: {
    jitter: ({ jitterMs }) => jitterMs,
    max: (result) => result.percentileMs(100),
  },
  shares: {
    loss: ({ loss }) => loss,
    dup: ({ dup }) => dup,
    reorder: ({ reorder }) => reorder,
  },
  counts: {
    lost: ({ lost }) => lost,
    rate: ({ perSecond }) => perSecond,
  },
  percentile: (result, percent) => result.percentileMs(percent),
  examples: "loss>1%, dup>0%, reorder>1%, jitter>5ms, p99>20ms, lost>0, rate<1000",
};

/**
 * A limit on what `parley-udp bench` measured.
 *
 * @throws {UsageError} The text is none.
 */
export function parseDatagramLimit(text: string): Limit<BenchResult> {
  return parseLimit(text, METRICS);
}
