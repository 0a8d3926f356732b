import { Busyness } from "./busyness.ts";
import type { Contender } from "./contenders.ts";
import { loadWords } from "./load_words.ts";
import type { Prepared } from "./prepare.ts";
import { cpuBetween, pinned, run, RunningContender } from "./process.ts";
import type { Load, Sample, Work } from "./work.ts";

/** Figures of one contender in one work: medians over the rounds by default. */
export interface Figures {
  readonly contender: string;
  readonly role: "ours" | "peer" | "limit";
  /** In the work's unit; `undefined` if it could not be measured. */
  readonly rate: number | undefined;
  /** Each round's rate. */
  readonly rates: readonly number[];
  /** 99th percentile in microseconds, if the load reports one. */
  readonly p99us: number | undefined;
  /** Processor time of the server per counted item in microseconds: the minimum, as disturbances only add to it. */
  readonly cpuUs: number | undefined;
  /** Share of that time spent in the kernel. */
  readonly kernelPart: number | undefined;
  /** Share of the machine used by other programs; the maximum of all rounds. */
  readonly others: number | undefined;
  /** Why there are no figures. */
  readonly note?: string;
}

/** All figures of one work. */
export interface WorkResult extends Pick<Work, "id" | "title" | "unit" | "better" | "reference"> {
  readonly figures: readonly Figures[];
}

/** Time for a load to connect and to settle, besides the time that it measures. */
const LOAD_GRACE_SECONDS = 30;

/** Duration and number of rounds. */
export interface MeasureOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** Measures all contenders of a work in interleaved rounds, so that a slow moment of the machine affects all. */
export async function measure(work: Work, prepared: Prepared, options: MeasureOptions): Promise<WorkResult> {
  const { how } = work;
  const notes = new Map<Contender, string>();
  const samples = new Map<Contender, Sample[]>();
  await using running = new AsyncDisposableStack();
  const rounds = new Map<Contender, () => Promise<Sample>>();
  for (const contender of work.contenders) {
    const missing = await prepared.missing(contender);
    if (missing.length > 0) {
      notes.set(contender, `missing: ${missing.join(", ")}`);
    } else if ("sample" in how) {
      rounds.set(contender, () => how.sample(contender, prepared));
    } else {
      try {
        const setup = { canPin: prepared.canPin, answers: how.answers };
        const server = running.use(await RunningContender.start(contender, prepared.tools, setup));
        rounds.set(contender, () => runLoad(how, server, prepared, options.seconds));
      } catch (error) {
        notes.set(contender, messageOf(error));
      }
    }
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const [contender, measureRound] of rotated([...rounds], round)) {
      if (notes.has(contender)) continue;
      try {
        const taken = samples.get(contender) ?? [];
        samples.set(contender, [...taken, await measureRound()]);
      } catch (error) {
        notes.set(contender, messageOf(error));
      }
    }
  }
  const figures = work.contenders.map((contender) =>
    figuresOf(contender, samples.get(contender) ?? [], notes.get(contender))
  );
  const { id, title, unit, better, reference } = work;
  return { id, title, unit, better, reference, figures };
}

function figuresOf(contender: Contender, taken: readonly Sample[], note: string | undefined): Figures {
  const rates = taken.map(({ rate }) => rate);
  return {
    contender: contender.name,
    role: contender.role ?? "peer",
    rate: note === undefined ? median(rates) : undefined,
    rates,
    p99us: median(taken.flatMap(({ p99us }) => p99us ?? [])),
    cpuUs: min(taken.flatMap(({ cpuUs }) => cpuUs ?? [])),
    kernelPart: median(taken.flatMap(({ kernelPart }) => kernelPart ?? [])),
    others: taken.reduce<number | undefined>(
      (max, { others }) => others === undefined ? max : Math.max(max ?? 0, others),
      undefined,
    ),
    ...(note === undefined ? {} : { note }),
  };
}

async function runLoad(load: Load, server: RunningContender, prepared: Prepared, seconds: number): Promise<Sample> {
  // A server that loses a message blocks the load: noted in the table, without ending the run.
  const signal = AbortSignal.timeout((seconds + LOAD_GRACE_SECONDS) * 1_000);
  const before = await server.cpu();
  const machine = await Busyness.start();
  const printed = await run(pinned(loadWords(load, server, prepared, seconds), 1, prepared.canPin), { signal });
  const after = await server.cpu();
  const sample = load.parse?.(printed) ?? parsePrinted(printed);
  if (sample === undefined || sample.rate === 0) throw new Error(`the load printed: ${printed.trim()}`);
  if (before === undefined || after === undefined || load.isCompared) return sample;
  const { us, kernelPart } = cpuBetween(before, after);
  return { ...sample, cpuUs: us / (sample.rate * seconds), kernelPart, others: await machine?.others(us) };
}

function parsePrinted(printed: string): Sample | undefined {
  const rate = /([\d.]+) (?:msg|deliveries|echo|conn)\/s/.exec(printed)?.[1];
  const p99 = /p99=([\d.]+)us/.exec(printed)?.[1];
  return rate === undefined ? undefined : { rate: Number(rate), p99us: p99 === undefined ? undefined : Number(p99) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}

function min(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

/** Rotates the order, because the position in a round can be an advantage or a disadvantage. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** The median; `undefined` without values. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
