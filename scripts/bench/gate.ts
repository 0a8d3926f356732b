import type { WorkResult } from "./measure.ts";
import { rateOf } from "./report.ts";

/** Ratios that are kept in the repository, by work: ours to the work's reference. */
export type Baseline = Readonly<Record<string, number>>;

/** How far a ratio may fall under the one that is kept. */
const TOLERANCE = 0.25;

/** Our ratio to the reference in each work that has both. */
export function ratios(results: readonly WorkResult[]): Baseline {
  return Object.fromEntries(results.flatMap((result) => {
    const reference = rateOf(result, result.reference);
    const own = result.figures[0]?.rate;
    return own && reference ? [[result.id, Math.round(own / reference * 1_000) / 1_000]] : [];
  }));
}

/** A line for each work that fell too far, or that could not be measured. */
export function regressions(measured: Baseline, kept: Baseline, ids: readonly string[]): string[] {
  return ids.filter((id) => id in kept).flatMap((id) => {
    const least = (kept[id] ?? 0) * (1 - TOLERANCE);
    const ratio = measured[id];
    if (ratio === undefined) return [`${id}: no figure (kept: ${kept[id]})`];
    return ratio < least ? [`${id}: ratio ${ratio} is under ${least.toFixed(3)} (kept: ${kept[id]})`] : [];
  });
}
