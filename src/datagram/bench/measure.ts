import type { DatagramSocket } from "../../net/datagram.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { delay } from "../../net/wait.ts";
import { QUESTION_BYTES, readProbe, STREAM_NUMBERS, writeProbe } from "./probe.ts";
import { type SequenceReport, SequenceTracker } from "./sequence_tracker.ts";

/** Between two looks at what is due: the finest that a timer does. */
const TICK_MS = 1;
/** What a late sender makes up for at once, in milliseconds of its rate. */
const CATCH_UP_MS = 20;
/** What is sent between two looks at the clock where no rate is asked for. */
const BURST = 64;
const QUESTION_TRIES = 5;

/** What is measured. */
export interface MeasurePlan {
  /** With a numeric address. */
  target: Endpoint;
  /** Bytes of a datagram. */
  size: number;
  /** Datagrams a second; `Infinity` for as many as the system takes. */
  perSecond: number;
  durationMs: number;
  /** Ends earlier after so many. */
  count: number;
  /** How long the last replies may take. */
  waitMs: number;
  /** Whether the target is a `sink`, which is asked at the end what came; otherwise it echoes. */
  isOneWay: boolean;
  signal: AbortSignal;
  /** Called for each first reply: how long its round trip took, in milliseconds. */
  onRoundTrip?: (milliseconds: number) => void;
}

/** What it came to. */
export interface Measurement {
  sent: number;
  /** How long the sending took, in milliseconds. */
  elapsedMs: number;
  /** As whoever received sees it: we, or the sink; `undefined` where the sink did not tell. */
  report: SequenceReport | undefined;
  /** Datagrams that came and were neither a probe of ours nor the sink's report. */
  foreign: number;
}

/** Sends numbered datagrams at a steady rate, and follows what comes back. */
export class Measure {
  readonly #socket: DatagramSocket;
  readonly #plan: MeasurePlan;
  readonly #tracker = new SequenceTracker();
  readonly #stream = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % STREAM_NUMBERS;
  readonly #told = Promise.withResolvers<SequenceReport>();
  #sent = 0;
  #foreign = 0;
  #onReply: (() => void) | undefined;

  /** Sends and receives on `socket`, which it closes. */
  constructor(socket: DatagramSocket, plan: MeasurePlan) {
    this.#socket = socket;
    this.#plan = plan;
  }

  /** Datagrams that were sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** What came back so far. */
  get received(): SequenceReport {
    return this.#tracker.report();
  }

  /** Runs to the end of the plan, or until its signal aborts. */
  async run(): Promise<Measurement> {
    const receiving = this.#receive();
    const startMs = performance.now();
    try {
      await this.#send(startMs);
      const elapsedMs = performance.now() - startMs;
      if (this.#plan.isOneWay) return this.#measurement(elapsedMs, await this.#ask());
      await this.#whenAllAnswered();
      return this.#measurement(elapsedMs, this.#tracker.report());
    } finally {
      this.#socket.close();
      await receiving;
    }
  }

  async #send(startMs: number): Promise<void> {
    const { target, size, perSecond, durationMs, count, signal } = this.#plan;
    const bytes = new Uint8Array(size);
    const endMs = startMs + durationMs;
    // A sender that was held up makes up for a little, not for all: a burst would measure itself.
    const mostDue = perSecond === Infinity ? BURST : Math.max(1, perSecond * CATCH_UP_MS / 1_000);
    let lastMs = startMs;
    let due = 1;
    for (let nowMs = startMs; nowMs < endMs && this.#sent < count && !signal.aborted; nowMs = performance.now()) {
      due = perSecond === Infinity ? BURST : Math.min(mostDue, due + (nowMs - lastMs) * perSecond / 1_000);
      lastMs = nowMs;
      for (; due >= 1 && this.#sent < count; due--) {
        writeProbe(bytes, { kind: "probe", stream: this.#stream, seq: this.#sent, sentMs: performance.now() });
        // Counted first: its reply may be here before the send has returned.
        this.#sent++;
        await this.#socket.send(bytes, target);
      }
      if (perSecond !== Infinity) await delay(TICK_MS, signal).catch(ignore);
    }
  }

  #measurement(elapsedMs: number, report: SequenceReport | undefined): Measurement {
    return { sent: this.#sent, elapsedMs, report, foreign: this.#foreign };
  }

  async #receive(): Promise<void> {
    for await (const { data } of this.#socket) {
      const nowMs = performance.now();
      const probe = readProbe(data);
      if (probe?.kind === "probe" && probe.stream === this.#stream && probe.seq < this.#sent) {
        if (!this.#tracker.add(probe.seq, probe.sentMs, nowMs)) this.#plan.onRoundTrip?.(nowMs - probe.sentMs);
        this.#onReply?.();
      } else if (probe !== undefined || !this.#isReport(data)) {
        this.#foreign++;
      }
    }
  }

  async #whenAllAnswered(): Promise<void> {
    const { waitMs, signal } = this.#plan;
    const done = Promise.withResolvers<void>();
    this.#onReply = () => {
      if (this.#tracker.report().unique >= this.#sent) done.resolve();
    };
    this.#onReply();
    const waiting = new AbortController();
    const stop = AbortSignal.any([signal, waiting.signal]);
    await Promise.race([done.promise, delay(waitMs, stop).catch(ignore)]);
    waiting.abort();
  }

  /** The sink's report; asked more than once, for questions get lost too. */
  async #ask(): Promise<SequenceReport | undefined> {
    const { target, waitMs, signal } = this.#plan;
    const question = new Uint8Array(QUESTION_BYTES);
    writeProbe(question, { kind: "question", stream: this.#stream, seq: this.#sent, sentMs: performance.now() });
    for (let tries = 0; tries < QUESTION_TRIES && !signal.aborted; tries++) {
      await this.#socket.send(question, target);
      const waiting = new AbortController();
      const silence = delay(waitMs / QUESTION_TRIES, AbortSignal.any([signal, waiting.signal])).catch(ignore);
      const told = await Promise.race([this.#told.promise, silence]);
      waiting.abort();
      if (told) return told;
    }
    return undefined;
  }

  #isReport(data: Uint8Array): boolean {
    let report: unknown;
    try {
      report = JSON.parse(new TextDecoder().decode(data));
    } catch {
      return false;
    }
    if (!isReport(report) || report.stream !== this.#stream) return false;
    this.#told.resolve(report);
    return true;
  }
}

function isReport(value: unknown): value is SequenceReport & { stream: number } {
  const names = ["stream", "received", "unique", "duplicated", "reordered", "jitterMs"];
  return typeof value === "object" && value !== null &&
    names.every((name) => typeof Object.getOwnPropertyDescriptor(value, name)?.value === "number");
}

function ignore(): void {
  // The signal: the caller looks at it.
}
