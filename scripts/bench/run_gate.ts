import { judge } from "./gate.ts";
import { measure, type MeasureOptions } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import type { Work } from "./work.ts";

/** After this time no work is measured again. */
const MAX_RETRY_MS = 75_000;

/** Judges each work with a minimum, comparing only ours and the reference; returns whether all passed. */
export async function runGate(
  works: readonly Work[],
  prepared: Prepared,
  options: MeasureOptions,
): Promise<boolean> {
  const endMs = performance.now() + MAX_RETRY_MS;
  let isPassed = true;
  for (const work of works) {
    const { minRatio } = work;
    if (minRatio === undefined) continue;
    const pair = work.contenders.filter(({ name }, index) => index === 0 || name === work.reference);
    const missing = (await Promise.all(pair.map((contender) => prepared.missing(contender)))).flat();
    if (missing.length > 0 && Deno.env.get("CI") === undefined) {
      console.log(`${work.id}: missing ${missing.join(", ")}, not compared`);
    } else {
      const measureOnce = () => measure({ ...work, contenders: pair }, prepared, options);
      const { hasFailed, text } = await judge(work.id, minRatio, measureOnce, () => performance.now() < endMs);
      console.log(text);
      if (hasFailed) isPassed = false;
    }
  }
  return isPassed;
}
