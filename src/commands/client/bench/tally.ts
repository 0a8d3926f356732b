import { messageOf } from "../../../base/errors.ts";
import { exitCodeOf } from "../../../cli/exit_codes.ts";
import type { Histogram } from "./histogram.ts";
import type { InFlight } from "./in_flight.ts";
import { LatencyRecorder } from "./latency_recorder.ts";

/** How often one kind of error happened, and what the first one said. */
export interface ErrorCount {
  readonly count: number;
  /** The exit code that such an error has. */
  readonly exitCode: number;
  readonly example: string;
}

/** Errors by the name of their class. */
export type ErrorCounts = ReadonlyMap<string, ErrorCount>;

/** What was counted since the last look, and the latencies. */
export interface Sample {
  readonly sent: number;
  readonly answered: number;
  /** Sent on a connection that failed before the answer came. */
  readonly lost: number;
  /** From when a message was to be sent to its answer. */
  readonly latency: Histogram;
  /** From when it was sent. */
  readonly service: Histogram;
}

/** Counts what happens; one for all connections of a thread. */
export class Tally {
  /** When the last answer came. */
  lastAnswerMs = 0;
  readonly #isOpenLoop: boolean;
  readonly #latency = new LatencyRecorder();
  readonly #service = new LatencyRecorder();
  readonly #errors = new Map<string, ErrorCount>();
  #sent = 0;
  #answered = 0;
  #lost = 0;
  #nowMs = 0;
  #startMs = 0;

  /** In a closed loop a message is to be sent when it is sent, so that one histogram is enough. */
  constructor(isOpenLoop: boolean) {
    this.#isOpenLoop = isOpenLoop;
  }

  /** Errors until now. */
  get errors(): ErrorCounts {
    return this.#errors;
  }

  /** Messages left. */
  countSent(count: number): void {
    this.#sent += count;
  }

  /** Answers came, now. */
  countAnswered(inFlight: InFlight, count: number, nowMs: number): void {
    this.#nowMs = nowMs;
    inFlight.answer(count, this.#record);
  }

  /** No answer to what is in flight will come. */
  countLost(inFlight: InFlight): void {
    inFlight.lose(this.#lose);
  }

  /** There was no connection to send these on. */
  countUnsendable(count: number): void {
    this.#lost += count;
  }

  /** Something went wrong. */
  countError(error: unknown): void {
    const name = error instanceof Error ? error.name : "Error";
    const known = this.#errors.get(name);
    if (known === undefined) {
      this.#errors.set(name, { count: 1, exitCode: exitCodeOf(error), example: messageOf(error) });
    } else {
      this.#errors.set(name, { ...known, count: known.count + 1 });
    }
  }

  /** The warm-up is over: neither what was counted nor what is in flight now belongs to the result. */
  restart(nowMs: number): void {
    this.#startMs = nowMs;
    this.#latency.reset();
    this.#service.reset();
    this.#errors.clear();
    this.#sent = this.#answered = this.#lost = 0;
  }

  /** Gives what was counted since the last call to `use`, and begins anew. */
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
