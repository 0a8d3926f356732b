import { messageOf } from "../base/errors.ts";
import { type Histogram, LatencyRecorder } from "./histogram.ts";

/** Receives the scheduled time, the sending time, and the number of messages. */
type OnMessages = (intendedMs: number, sentMs: number, count: number) => void;

/** The unanswered messages of one connection, in order; those sent together share an entry. */
export class InFlight {
  #intended = new Float64Array(4);
  #sent = new Float64Array(4);
  #counts = new Float64Array(4);
  #head = 0;
  #entries = 0;
  #count = 0;
  #hasAnswers = false;

  /** Whether any message has been answered. */
  get hasAnswers(): boolean {
    return this.#hasAnswers;
  }

  /** Number of messages in flight. */
  get count(): number {
    return this.#count;
  }

  /** When the oldest of them was sent, in milliseconds; `undefined` if there is none. */
  get oldestMs(): number | undefined {
    return this.#entries === 0 ? undefined : this.#sent[this.#head];
  }

  /** Adds `count` messages. */
  push(intendedMs: number, sentMs: number, count: number): void {
    if (this.#entries === this.#counts.length) this.#grow();
    const at = (this.#head + this.#entries) & (this.#counts.length - 1);
    this.#intended[at] = intendedMs;
    this.#sent[at] = sentMs;
    this.#counts[at] = count;
    this.#entries++;
    this.#count += count;
  }

  /** Removes the oldest `count` messages, which were answered. */
  answer(count: number, onAnswered: OnMessages): void {
    this.#hasAnswers = true;
    this.#take(count, onAnswered);
  }

  /** Removes all, which will not be answered. */
  lose(onLost: OnMessages): void {
    this.#take(this.#count, onLost);
  }

  #take(count: number, onTaken: OnMessages): void {
    this.#count -= count;
    while (count > 0) {
      const at = this.#head;
      const here = this.#counts[at] ?? 0;
      const taken = Math.min(here, count);
      onTaken(this.#intended[at] ?? 0, this.#sent[at] ?? 0, taken);
      count -= taken;
      if (taken < here) {
        this.#counts[at] = here - taken;
      } else {
        this.#head = (at + 1) & (this.#counts.length - 1);
        this.#entries--;
      }
    }
  }

  #grow(): void {
    const capacity = this.#counts.length;
    const unrolled = (ring: Float64Array) => {
      const grown = new Float64Array(capacity * 2);
      grown.set(ring.subarray(this.#head));
      grown.set(ring.subarray(0, this.#head), capacity - this.#head);
      return grown;
    };
    this.#intended = unrolled(this.#intended);
    this.#sent = unrolled(this.#sent);
    this.#counts = unrolled(this.#counts);
    this.#head = 0;
  }
}

/** How often one kind of error occurred, and the message of the first one. */
export interface ErrorCount {
  readonly count: number;
  /** The exit code of such an error. */
  readonly exitCode: number;
  readonly example: string;
}

/** Errors by the name of their class. */
export type ErrorCounts = ReadonlyMap<string, ErrorCount>;

/** The counts and latencies since the last sample. */
export interface Sample {
  readonly sent: number;
  readonly answered: number;
  /** Sent on a connection that failed before the answer arrived. */
  readonly lost: number;
  /** From the scheduled time of a message to its answer. */
  readonly latency: Histogram;
  /** From the sending of a message to its answer. */
  readonly service: Histogram;
}

/** Counts messages, answers and errors for all connections of a thread. */
export class Tally {
  /** When the last answer arrived. */
  lastAnswerMs = 0;
  readonly #isOpenLoop: boolean;
  readonly #exitCodeOf: (error: unknown) => number;
  readonly #latency = new LatencyRecorder();
  readonly #service = new LatencyRecorder();
  readonly #errors = new Map<string, ErrorCount>();
  #sent = 0;
  #answered = 0;
  #lost = 0;
  #nowMs = 0;
  #startMs = 0;

  /** In a closed loop, both times of a message are the same, so one histogram is enough. */
  constructor({ isOpenLoop, exitCodeOf }: { isOpenLoop: boolean; exitCodeOf: (error: unknown) => number }) {
    this.#isOpenLoop = isOpenLoop;
    this.#exitCodeOf = exitCodeOf;
  }

  /** Errors so far. */
  get errors(): ErrorCounts {
    return this.#errors;
  }

  countSent(count: number): void {
    this.#sent += count;
  }

  countAnswered(inFlight: InFlight, count: number, nowMs: number): void {
    this.#nowMs = nowMs;
    inFlight.answer(count, this.#record);
  }

  /** Counts the messages in flight, which will not be answered. */
  countLost(inFlight: InFlight): void {
    inFlight.lose(this.#lose);
  }

  /** Counts messages for which no connection was open. */
  countUnsendable(count: number): void {
    this.#lost += count;
  }

  countError(error: unknown): void {
    const name = error instanceof Error ? error.name : "Error";
    const known = this.#errors.get(name);
    if (known === undefined) {
      this.#errors.set(name, { count: 1, exitCode: this.#exitCodeOf(error), example: messageOf(error) });
    } else {
      this.#errors.set(name, { ...known, count: known.count + 1 });
    }
  }

  /** Ends the warm-up: neither the counts so far nor the messages in flight are part of the result. */
  restart(nowMs: number): void {
    this.#startMs = nowMs;
    this.#latency.reset();
    this.#service.reset();
    this.#errors.clear();
    this.#sent = this.#answered = this.#lost = 0;
  }

  /** Passes the counts since the last call to `use` and resets them. */
  flush(use: (sample: Sample) => void): void {
    const latency = this.#latency.histogram;
    const service = this.#isOpenLoop ? this.#service.histogram : latency;
    use({ sent: this.#sent, answered: this.#answered, lost: this.#lost, latency, service });
    this.#latency.reset();
    this.#service.reset();
    this.#sent = this.#answered = this.#lost = 0;
  }

  readonly #record = (intendedMs: number, sentMs: number, count: number): void => {
    if (sentMs < this.#startMs) return;
    this.lastAnswerMs = this.#nowMs;
    this.#answered += count;
    this.#latency.record(this.#nowMs - intendedMs, count);
    if (this.#isOpenLoop) this.#service.record(this.#nowMs - sentMs, count);
  };

  readonly #lose = (_intendedMs: number, sentMs: number, count: number): void => {
    if (sentMs >= this.#startMs) this.#lost += count;
  };
}
