import { fieldOf, parseJson } from "../../base/json.ts";
import { randomSeed } from "../../base/random.ts";
import { type DatagramSocket, isFrom } from "../../net/datagram.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { pause } from "../../net/wait.ts";
import { hasManyReceivers } from "../sender.ts";
import { QUERY_BYTES, readProbe, STREAM_NUMBERS, writeProbe } from "./probe.ts";
import { type SequenceReport, SequenceTracker } from "./sequence_tracker.ts";

/** Time between two bursts, limited by the resolution of timers. */
const TICK_MS = 1;
/** Maximum delay that a late sender makes up for in one burst, in milliseconds. */
const CATCH_UP_MS = 20;
/** Datagrams sent between two reads of the clock if the rate is unlimited. */
const BURST = 64;
const QUERY_TRIES = 5;

/** Parameters of a measurement. */
export interface MeasurePlan {
  /** With a numeric address. */
  target: Endpoint;
  /** Bytes of a datagram. */
  size: number;
  /** Datagrams per second; `Infinity` for no limit. */
  perSecond: number;
  durationMs: number;
  /** Ends earlier after this many datagrams. */
  count: number;
  /** How long to wait for the last replies. */
  waitMs: number;
  /** Whether the target is a `sink`, which is queried for its report at the end; otherwise it echoes. */
  isOneWay: boolean;
  signal: AbortSignal;
  /** Called with the round-trip time of each first reply, in milliseconds. */
  onRoundTrip?: (milliseconds: number) => void;
}

/** The result. */
export interface Measurement {
  sent: number;
  /** Duration of the sending, in milliseconds. */
  elapsedMs: number;
  /** Statistics of this side or of the sink; `undefined` if the sink sent no report. */
  report: SequenceReport | undefined;
  /** Received datagrams that are neither probes of this run nor the sink's report. */
  foreign: number;
}

/** Sends numbered datagrams at a steady rate and evaluates the replies. */
export class Measure {
  readonly #socket: DatagramSocket;
  readonly #plan: MeasurePlan;
  readonly #tracker = new SequenceTracker();
  readonly #stream = randomSeed() % STREAM_NUMBERS;
  readonly #reported = Promise.withResolvers<SequenceReport>();
  #sent = 0;
  #foreign = 0;
  #onReply: (() => void) | undefined;

  /** Sends and receives on `socket`, which it closes. */
  constructor(socket: DatagramSocket, plan: MeasurePlan) {
    this.#socket = socket;
    this.#plan = plan;
  }

  /** Datagrams sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Statistics of the replies so far. */
  get received(): SequenceReport {
    return this.#tracker.report();
  }

  /** Runs until the plan is done or its signal aborts. */
  async run(): Promise<Measurement> {
    const receiving = this.#receive();
    const startMs = performance.now();
    try {
      await this.#send(startMs);
      const elapsedMs = performance.now() - startMs;
      if (this.#plan.isOneWay) return this.#measurement(elapsedMs, await this.#query());
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
    // A delayed sender makes up for a little time only, because a large burst would cause losses of its own.
    const maxDue = perSecond === Infinity ? BURST : Math.max(1, perSecond * CATCH_UP_MS / 1_000);
    let lastMs = startMs;
    let due = 1;
    for (let nowMs = startMs; nowMs < endMs && this.#sent < count && !signal.aborted; nowMs = performance.now()) {
      due = perSecond === Infinity ? BURST : Math.min(maxDue, due + (nowMs - lastMs) * perSecond / 1_000);
      lastMs = nowMs;
      for (; due >= 1 && this.#sent < count; due--) {
        writeProbe(bytes, { kind: "probe", stream: this.#stream, seq: this.#sent, sentMs: performance.now() });
        // Counted before the send, because the reply may arrive before it returns.
        this.#sent++;
        await this.#socket.send(bytes, target);
      }
      if (perSecond !== Infinity) await pause(TICK_MS, signal);
    }
  }

  #measurement(elapsedMs: number, report: SequenceReport | undefined): Measurement {
    return { sent: this.#sent, elapsedMs, report, foreign: this.#foreign };
  }

  async #receive(): Promise<void> {
    const { target } = this.#plan;
    const isToMany = hasManyReceivers(target);
    for await (const { data, from } of this.#socket) {
      const nowMs = performance.now();
      if (!isToMany && !isFrom(target, from)) {
        this.#foreign++;
        continue;
      }
      const probe = readProbe(data, (stream) => stream === this.#stream);
      if (probe === "corrupted") {
        this.#tracker.addCorrupted();
      } else if (probe?.kind === "probe" && probe.stream === this.#stream && probe.seq < this.#sent) {
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
    await Promise.race([done.promise, pause(waitMs, stop)]);
    waiting.abort();
  }

  /** The sink's report; the query is repeated, because it may be lost. */
  async #query(): Promise<SequenceReport | undefined> {
    const { target, waitMs, signal } = this.#plan;
    const query = new Uint8Array(QUERY_BYTES);
    writeProbe(query, { kind: "query", stream: this.#stream, seq: this.#sent, sentMs: performance.now() });
    for (let tries = 0; tries < QUERY_TRIES && !signal.aborted; tries++) {
      await this.#socket.send(query, target);
      const waiting = new AbortController();
      const silence = pause(waitMs / QUERY_TRIES, AbortSignal.any([signal, waiting.signal]));
      const report = await Promise.race([this.#reported.promise, silence]);
      waiting.abort();
      if (report) return report;
    }
    return undefined;
  }

  #isReport(data: Uint8Array): boolean {
    const report = parseJson(new TextDecoder().decode(data));
    if (!isReport(report) || report.stream !== this.#stream) return false;
    this.#reported.resolve(report);
    return true;
  }
}

function isReport(value: unknown): value is SequenceReport & { stream: number } {
  const names = ["stream", "received", "unique", "duplicated", "reordered", "corrupted", "jitterMs"];
  return names.every((name) => typeof fieldOf(value, name) === "number");
}
