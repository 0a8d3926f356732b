import { median, type WorkResult } from "./measure.ts";
import { figuresOf, timesAsGood } from "./report.ts";

/** Retries of a work below its minimum before it fails. */
const AGAIN = 2;

/** Share of the machine used by other programs above which processor time is compared too. */
const BUSY_FROM = 0.1;

/**
 * Our ratio to the reference: the median over the rounds, because both are measured in direct succession in each round.
 * If other programs were busy meanwhile, rates depend on which side was disturbed: then the ratio of the processor time
 * per message counts, if it is better.
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

/** Share of the machine used by other programs above which no verdict is possible. */
const HOPELESS_FROM = 0.5;

/** The result of one work. */
export interface Verdict {
  readonly id: string;
  readonly hasFailed: boolean;
  /** The best ratio of all tries; `undefined` if a side could not be measured. */
  readonly ratio: number | undefined;
  readonly text: string;
}

/**
 * Judges one work by the minimum ratio to a peer in the same run. A busy machine only lowers figures, so a work below
 * its minimum is measured again, and the best ratio counts. If other programs used most of the machine in every try,
 * this is reported, and the work is not judged.
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
  // A server or a load that does not start is not a matter of speed.
  if (best === undefined) return { id, hasFailed: true, ratio: best, text: `${id}: no figure; ${note}` };
  const text = `${id}: ${best.toFixed(2)}, at least ${min.toFixed(2)}`;
  if (best >= min) return { id, hasFailed: false, ratio: best, text };
  if (others <= HOPELESS_FROM) return { id, hasFailed: true, ratio: best, text: `${text}: below the minimum` };
  const whose = `other programs had ${Math.round(others * 100)}% of the machine`;
  return { id, hasFailed: false, ratio: best, text: `${text}: not judged, ${whose}` };
}

function othersIn({ figures }: WorkResult): number {
  return Math.max(0, ...figures.map(({ others }) => others ?? 0));
}
