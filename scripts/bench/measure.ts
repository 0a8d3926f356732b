import type { Contender } from "./contenders.ts";
import type { Prepared } from "./prepare.ts";
import { pinned, run, RunningContender } from "./process.ts";
import type { Work } from "./works.ts";

/** Figures of one contender in one work. */
export interface Figures {
  readonly contender: string;
  /** Median of the rounds, in the work's unit; `undefined` where it could not be measured. */
  readonly rate: number | undefined;
  /** Each round's rate. */
  readonly rates: readonly number[];
  /** Median over the rounds of the 99th percentile, in microseconds, where the load gives one. */
  readonly p99us: number | undefined;
  /** Why there are no figures. */
  readonly note?: string;
}

/** All figures of one work. */
export interface WorkResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly reference: string;
  readonly figures: readonly Figures[];
}

/** What a load may take to connect and to settle, beside the time that it measures. */
const LOAD_GRACE_SECONDS = 30;

/** How long and how often. */
export interface MeasureOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** Measures all contenders of a work, round by round in turn, so that a slow moment of the machine hits all. */
export async function measure(work: Work, prepared: Prepared, options: MeasureOptions): Promise<WorkResult> {
  const notes = new Map<Contender, string>();
  const samples = new Map<Contender, { rate: number; p99us: number | undefined }[]>();
  await using running = new AsyncDisposableStack();
  const started: RunningContender[] = [];
  for (const contender of work.contenders) {
    const missing = await prepared.missing(contender);
    if (missing.length > 0) {
      notes.set(contender, `missing: ${missing.join(", ")}`);
      continue;
    }
    try {
      const setup = { canPin: prepared.canPin, isUdp: work.isUdp ?? false };
      started.push(running.use(await RunningContender.start(contender, prepared.tools, setup)));
      samples.set(contender, []);
    } catch (error) {
      notes.set(contender, String(error));
    }
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { contender, port } of started) {
      if (notes.has(contender)) continue;
      try {
        samples.get(contender)?.push(await runLoad(work, contender, port, prepared, options.seconds));
      } catch (error) {
        notes.set(contender, error instanceof Error ? error.message.trim() : String(error));
      }
    }
  }
  const figures = work.contenders.map((contender): Figures => {
    const taken = samples.get(contender) ?? [];
    const note = notes.get(contender);
    const p99s = taken.map(({ p99us }) => p99us).filter((value) => value !== undefined);
    return {
      contender: contender.name,
      rate: note === undefined ? median(taken.map(({ rate }) => rate)) : undefined,
      rates: taken.map(({ rate }) => rate),
      p99us: median(p99s),
      ...(note === undefined ? {} : { note }),
    };
  });
  return { id: work.id, title: work.title, unit: work.unit, reference: work.reference, figures };
}

async function runLoad(work: Work, contender: Contender, port: number, prepared: Prepared, seconds: number) {
  const words = work.load(contender).map((word) =>
    word === "PORT" ? String(port) : word === "SECONDS" ? String(seconds) : word
  );
  const [load = "", ...rest] = words;
  // A server that loses a message leaves the load waiting: that is a note in the table, not the end of the run.
  const signal = AbortSignal.timeout((seconds + LOAD_GRACE_SECONDS) * 1_000);
  const printed = await run(pinned([prepared.tools.built(load), ...rest], 1, prepared.canPin), { signal });
  const rate = /([\d.]+) (?:msg|deliveries|echo|conn)\/s/.exec(printed)?.[1];
  if (rate === undefined || Number(rate) === 0) throw new Error(`the load printed: ${printed.trim()}`);
  const p99 = /p99=([\d.]+)us/.exec(printed)?.[1];
  return { rate: Number(rate), p99us: p99 === undefined ? undefined : Number(p99) };
}

/** The middle value, or `undefined` of none. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
