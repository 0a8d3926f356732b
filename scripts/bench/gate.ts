import { median, type WorkResult } from "./measure.ts";
import { figuresOf, timesAsGood } from "./report.ts";

/** How often a work that has fallen is measured again before it counts. */
const AGAIN = 2;

/** Part of the machine for other programs above which processor time is compared too. */
const BUSY_FROM = 0.1;

/**
 * Our ratio to the reference: the median of each round's, for the two of a
 * round are measured one right after the other. Where other programs were busy
 * meanwhile, who had the turn tells more about them than about us: then the
 * ratio of the processor time for one message counts, where it is better.
 */
export function ratioOf(result: WorkResult): number | undefined {
  const own = result.figures[0];
  const reference = figuresOf(result, result.reference);
  if (own?.rate === undefined || reference?.rate === undefined) return undefined;
  const ratio = median(
    own.rates.flatMap((rate, round) => timesAsGood(result.better, rate, reference.rates[round]) ?? []),
  );
  if (ratio === undefined) return undefined;
  const isBusy = Math.max(own.others ?? 0, reference.others ?? 0) > BUSY_FROM;
  const byCpu = isBusy && own.cpuUs && reference.cpuUs ? reference.cpuUs / own.cpuUs : 0;
  return Math.round(Math.max(ratio, byCpu) * 1_000) / 1_000;
}

/** Part of the machine for other programs above which nothing can be said. */
const HOPELESS_FROM = 0.5;

/** The result of one work. */
export interface Verdict {
  readonly id: string;
  readonly isFallen: boolean;
  /** The best ratio of the tries; `undefined` where a side could not be measured. */
  readonly ratio: number | undefined;
  readonly text: string;
}

/**
 * Judges one work by the minimum of its ratio to a peer in the same run. A busy machine makes single
 * figures fall, never rise: one that has fallen is measured again, and the best counts.
 * If other programs had most of the machine in every try, this is reported, and the work is not judged.
 */
export async function judge(
  id: string,
  min: number,
  measureOnce: () => Promise<WorkResult>,
  maySpend: () => boolean = () => true,
): Promise<Verdict> {
  let best: number | undefined;
  let note = "";
  let others = 1;
  for (let turn = 0; turn <= AGAIN && (best ?? 0) < min && (turn === 0 || maySpend()); turn++) {
    const result = await measureOnce();
    const ratio = ratioOf(result);
    others = Math.min(others, othersIn(result));
    if (ratio !== undefined) best = Math.max(best ?? 0, ratio);
    else note = result.figures.flatMap(({ contender, note }) => note ? [`${contender}: ${note}`] : []).join("; ");
  }
  // That a server or a load does not start is no matter of speed.
  if (best === undefined) return { id, isFallen: true, ratio: best, text: `${id}: no figure; ${note}` };
  const text = `${id}: ${best.toFixed(2)}, at least ${min.toFixed(2)}`;
  if (best >= min) return { id, isFallen: false, ratio: best, text };
  if (others <= HOPELESS_FROM) return { id, isFallen: true, ratio: best, text: `${text}: fallen` };
  const whose = `other programs had ${Math.round(others * 100)}% of the machine`;
  return { id, isFallen: false, ratio: best, text: `${text}: not judged, ${whose}` };
}

function othersIn({ figures }: WorkResult): number {
  return Math.max(0, ...figures.map(({ others }) => others ?? 0));
}
