import { RefusedError } from "../base/errors.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import { probePort } from "../net/datagram_probe.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { delay } from "../net/wait.ts";
import { ExchangeSummary } from "./exchange_summary.ts";
import { Lane, type Reply, type Waiter } from "./lane.ts";
import type { Matching } from "./matching.ts";

/** Most sockets of an exchange in which each waiting datagram has its own. */
const MOST_LANES = 256;
/** Most datagrams that wait for replies at a time where they share a socket. */
const MOST_WAITING = 1_024;
/** How long a reply may take before the target's port is looked at, in milliseconds. */
const PROBE_AFTER_MS = 100;

/** What came of one datagram. */
export interface ExchangeOutcome {
  /** Its number, from 1. */
  readonly seq: number;
  /** "refused": nobody is bound to the target's port; "one-way": no reply was waited for. */
  readonly status: "answered" | "silent" | "refused" | "one-way";
  /** How often it was sent. */
  readonly tries: number;
  /** From the first try to the first reply, in milliseconds. */
  readonly elapsedMs: number | undefined;
  /** The replies, more than one only where many may answer. */
  readonly replies: readonly Reply[];
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  /** With a numeric address. */
  target: Endpoint;
  /** Opens a socket to send from. */
  open: () => Promise<DatagramSocket>;
  /** The bytes of a datagram by its number, from 1. */
  payload: (seq: number) => Uint8Array;
  count: number;
  intervalMs: number;
  /** For the reply to one try. */
  timeoutMs: number;
  /** Further tries of a datagram without a reply. */
  retries: number;
  matching: Matching;
  /** Whether replies of anybody count, and all that come in time are taken. */
  hasManyReceivers: boolean;
  /** Whether no reply is waited for. */
  isOneWay: boolean;
  /** Ends it early. */
  signal: AbortSignal;
  /** Called as each datagram is done, in the order in which they are. */
  onOutcome?: (outcome: ExchangeOutcome) => void;
  now?: () => number;
}

/** Sends numbered datagrams and finds out which of them are answered. */
export class DatagramExchange {
  /** Counts and times, true at any moment. */
  readonly summary = new ExchangeSummary();
  readonly #options: ExchangeOptions;
  readonly #now: () => number;
  readonly #lanes: Lane[] = [];
  /** Lanes whose last datagram was answered at once. */
  readonly #ready: Lane[] = [];
  /** Lanes to which a late reply may still come, the one that rested longest first. */
  readonly #resting: Lane[] = [];
  #waitingCount = 0;
  #room = Promise.withResolvers<void>();

  /** Nothing is sent before {@linkcode run}. */
  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Sends all datagrams at their interval and waits for the last reply or its
   * deadline. When the signal aborts it returns early; what waits then counts
   * neither as answered nor as lost.
   *
   * @throws {LimitError} A datagram is longer than one can be.
   */
  async run(): Promise<void> {
    const { count, intervalMs, signal } = this.#options;
    const failure = new AbortController();
    const ended = AbortSignal.any([signal, failure.signal]);
    const running = new Set<Promise<void>>();
    let nextMs = this.#now();
    try {
      for (let seq = 1; seq <= count && !ended.aborted; seq++) {
        const lane = await this.#takeLane();
        const waitMs = nextMs - this.#now();
        if (waitMs > 0) await delay(waitMs, ended).catch(ignore);
        // Never faster than asked: to catch up in a burst would overflow the receiver's buffer.
        nextMs = Math.max(nextMs, this.#now()) + intervalMs;
        if (ended.aborted) break;
        const sent = Promise.withResolvers<void>();
        const one = this.#one(seq, lane, ended, sent.resolve).catch((error: unknown) => failure.abort(error)).finally(
          () => {
            sent.resolve();
            running.delete(one);
          },
        );
        running.add(one);
        // Sockets that send at the same time would not keep the order of the numbers.
        await sent.promise;
      }
      await Promise.all(running);
    } finally {
      await Promise.all(this.#lanes.map((lane) => lane.close()));
    }
    if (failure.signal.aborted && !signal.aborted) throw failure.signal.reason;
  }

  async #one(seq: number, lane: Lane, signal: AbortSignal, onSent: () => void): Promise<void> {
    const data = this.#options.payload(seq);
    const replies: Reply[] = [];
    const firstMs = this.#now();
    let status: ExchangeOutcome["status"] = "silent";
    let tries = 0;
    try {
      while (status !== "answered" && tries <= this.#options.retries && !signal.aborted) {
        const isLast = tries++ === this.#options.retries;
        if (this.#options.isOneWay) {
          await lane.socket.send(data, this.#options.target);
          status = "one-way";
          break;
        }
        status = await this.#try({ seq, data }, lane, replies, isLast, signal, onSent);
      }
    } finally {
      this.#giveBack(lane, status !== "silent" && tries === 1);
    }
    if (status === "silent" && signal.aborted) return this.summary.abandon(tries);
    const first = replies[0];
    const outcome = { seq, status, tries, replies, elapsedMs: first && first.atMs - firstMs };
    this.summary.add(outcome);
    this.#options.onOutcome?.(outcome);
  }

  async #try(
    datagram: { seq: number; data: Uint8Array },
    lane: Lane,
    replies: Reply[],
    isLast: boolean,
    signal: AbortSignal,
    onSent: () => void,
  ): Promise<ExchangeOutcome["status"]> {
    const { target, timeoutMs, hasManyReceivers } = this.#options;
    const done = Promise.withResolvers<void>();
    let isRefused = false;
    const waiter: Waiter = {
      ...datagram,
      onReply: (reply) => {
        replies.push(reply);
        if (!hasManyReceivers) done.resolve();
      },
      onRefused: () => {
        isRefused = true;
        if (isLast) done.resolve();
      },
    };
    lane.waiting.set(datagram.seq, waiter);
    const deadline = setTimeout(() => done.resolve(), timeoutMs);
    const look = setTimeout(() => {
      if (!hasManyReceivers && probePort(target) === "closed") waiter.onRefused();
    }, Math.min(PROBE_AFTER_MS, timeoutMs / 2));
    const onAbort = () => done.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await lane.socket.send(datagram.data, target);
      onSent();
      await done.promise;
    } catch (error) {
      // A Unix socket says at once that nobody is bound there.
      if (!(error instanceof RefusedError)) throw error;
      onSent();
      isRefused = true;
      if (!isLast) await done.promise;
    } finally {
      clearTimeout(deadline);
      clearTimeout(look);
      signal.removeEventListener("abort", onAbort);
      lane.waiting.delete(datagram.seq);
    }
    return replies.length > 0 ? "answered" : isRefused ? "refused" : "silent";
  }

  /** A lane on which one more datagram may wait. */
  async #takeLane(): Promise<Lane> {
    const isShared = this.#options.matching !== "port";
    const most = isShared ? MOST_WAITING : MOST_LANES;
    while (this.#waitingCount >= most) await this.#room.promise;
    this.#waitingCount++;
    if (isShared) return this.#lanes[0] ?? await this.#addLane();
    const ready = this.#ready.pop();
    if (ready) return ready;
    return this.#lanes.length < most ? await this.#addLane() : this.#resting.shift() ?? await this.#addLane();
  }

  async #addLane(): Promise<Lane> {
    const { matching, target, hasManyReceivers, open } = this.#options;
    const lane = new Lane(await open(), {
      matching,
      source: hasManyReceivers ? undefined : target,
      now: this.#now,
      onUnmatched: () => this.summary.unmatched++,
      onStranger: () => this.summary.strangers++,
    });
    this.#lanes.push(lane);
    return lane;
  }

  #giveBack(lane: Lane, isQuiet: boolean): void {
    this.#waitingCount--;
    if (this.#options.matching === "port") (isQuiet ? this.#ready : this.#resting).push(lane);
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }
}

function ignore(): void {
  // The signal: the loop's condition ends it.
}
