import { hasCode, RefusedError } from "../base/errors.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import { probePort } from "../net/datagram_probe.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { abortable, onAbort, pause } from "../net/wait.ts";
import { type ExchangeOutcome, ExchangeSummary } from "./exchange_summary.ts";
import { type Reply, type ReplyCorrelation, ReplyMatcher, type Waiter } from "./reply_matcher.ts";

/** Maximum sockets at a time if each datagram has its own. */
const MAX_LANES = 256;
/** Maximum datagrams that wait for replies at a time on a shared socket. */
const MAX_WAITING = 1_024;
/** How long the reply to the last try may take before the target's port is checked, in milliseconds. */
const PROBE_AFTER_MS = 100;
/** Minimum time between two checks of the port, in milliseconds, because a check binds the port for a moment. */
const PROBE_INTERVAL_MS = 1_000;

/** Options of {@linkcode DatagramExchange}. */
export interface ExchangeOptions {
  /** With a numeric address. */
  target: Endpoint;
  /** Opens a socket to send from. */
  open: () => Promise<DatagramSocket>;
  /** The bytes of a datagram by its number, from 1; `null` if there are no more. */
  payload: (seq: number) => Uint8Array | Promise<Uint8Array | null>;
  /** Maximum number of datagrams. */
  count: number;
  intervalMs: number;
  /** Maximum time for the reply to one try. */
  timeoutMs: number;
  /** Maximum retries of a datagram without a reply. */
  retries: number;
  correlation: ReplyCorrelation;
  /** Whether replies from any sender are accepted, and all within the timeout count. */
  hasManyReceivers: boolean;
  /** Whether no reply is expected. */
  isOneWay: boolean;
  /** Ends the exchange early. */
  signal: AbortSignal;
  /** Called with each result, in the order of completion; too many at a time hold back the next datagram. */
  onOutcome?: (outcome: ExchangeOutcome) => void | Promise<void>;
  now?: () => number;
}

/** Sends numbered datagrams and determines which of them are answered. */
export class DatagramExchange {
  /** Counts and times so far. */
  readonly summary = new ExchangeSummary();
  readonly #options: ExchangeOptions;
  readonly #now: () => number;
  readonly #matchers = new Set<ReplyMatcher>();
  /** Matchers of completed datagrams, which still receive late replies; the oldest first. */
  readonly #done = new Set<ReplyMatcher>();
  #waitingCount = 0;
  #vacancy = Promise.withResolvers<void>();
  #probedMs = -Infinity;
  #isPortClosed = false;

  /** Sends nothing until {@linkcode run} is called. */
  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Sends all datagrams at their interval and waits for the last reply or its deadline. If the signal aborts, it
   * returns early; datagrams that are still waiting then count neither as answered nor as lost.
   *
   * @throws {LimitError} A datagram is too long.
   */
  async run(): Promise<void> {
    const { count, intervalMs, signal } = this.#options;
    const failure = new AbortController();
    const ended = AbortSignal.any([signal, failure.signal]);
    const running = new Set<Promise<void>>();
    let nextMs = this.#now();
    try {
      for (let seq = 1; seq <= count && !ended.aborted; seq++) {
        const data = await this.#nextPayload(seq, ended);
        if (data === null) break;
        const matcher = await this.#takeMatcher();
        const waitMs = nextMs - this.#now();
        if (waitMs > 0) await pause(waitMs, ended);
        // Never faster than the interval: a burst to catch up could overflow the receiver's buffer.
        nextMs = Math.max(nextMs, this.#now()) + intervalMs;
        if (ended.aborted) break;
        const sent = Promise.withResolvers<void>();
        const one = this.#one({ seq, data }, matcher, ended, sent.resolve).catch((error: unknown) =>
          failure.abort(error)
        )
          .finally(
            () => {
              sent.resolve();
              running.delete(one);
            },
          );
        running.add(one);
        // Concurrent sends on different sockets would not keep the order of the numbers.
        await sent.promise;
      }
      await Promise.all(running);
    } finally {
      await Promise.all([...this.#matchers].map((matcher) => matcher.close()));
    }
    if (failure.signal.aborted && !signal.aborted) throw failure.signal.reason;
  }

  /** `null` also if the signal aborts first. */
  async #nextPayload(seq: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const payload = this.#options.payload(seq);
    if (!(payload instanceof Promise)) return payload;
    try {
      return await abortable(payload, { signal });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  async #one(
    { seq, data }: { seq: number; data: Uint8Array },
    matcher: ReplyMatcher,
    signal: AbortSignal,
    onSent: () => void,
  ): Promise<void> {
    const replies: Reply[] = [];
    const firstMs = this.#now();
    let status: ExchangeOutcome["status"] = "silent";
    let tries = 0;
    try {
      while (status !== "answered" && tries <= this.#options.retries && !signal.aborted) {
        const isLast = tries++ === this.#options.retries;
        if (this.#options.isOneWay) {
          await matcher.socket.send(data, this.#options.target);
          status = "one-way";
          break;
        }
        status = await this.#try({ seq, data }, matcher, replies, isLast, signal, onSent);
      }
      if (status === "silent" && signal.aborted) return this.summary.abandon(tries);
      const first = replies[0];
      const outcome = { seq, status, tries, replies, elapsedMs: first && first.atMs - firstMs };
      this.summary.add(outcome);
      await this.#options.onOutcome?.(outcome);
    } finally {
      this.#giveBack(matcher);
    }
  }

  async #try(
    datagram: { seq: number; data: Uint8Array },
    matcher: ReplyMatcher,
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
    matcher.waiting.set(datagram.seq, waiter);
    const deadline = setTimeout(() => done.resolve(), timeoutMs);
    const probe = isLast && !hasManyReceivers
      ? setTimeout(() => this.#isClosed(matcher.socket) && waiter.onRefused(), Math.min(PROBE_AFTER_MS, timeoutMs / 2))
      : undefined;
    using _end = onAbort(signal, () => done.resolve());
    try {
      await matcher.socket.send(datagram.data, target);
      onSent();
      await done.promise;
    } catch (error) {
      // A Unix socket reports a missing receiver at once; an unreachable network proves nothing about the port.
      if (!(error instanceof RefusedError) || hasCode(error, "ENETUNREACH", "EHOSTUNREACH")) throw error;
      onSent();
      isRefused = true;
      if (!isLast) await done.promise;
    } finally {
      clearTimeout(deadline);
      clearTimeout(probe);
      matcher.waiting.delete(datagram.seq);
    }
    return replies.length > 0 ? "answered" : isRefused ? "refused" : "silent";
  }

  #isClosed(socket: DatagramSocket): boolean {
    const nowMs = this.#now();
    if (nowMs - this.#probedMs >= PROBE_INTERVAL_MS) {
      this.#probedMs = nowMs;
      this.#isPortClosed = probePort(this.#options.target, socket) === "closed";
    }
    return this.#isPortClosed;
  }

  /**
   * A matcher for the next datagram. With the correlation `port`, a matcher is never reused, because a late or repeated
   * reply to its datagram would match the next one.
   */
  async #takeMatcher(): Promise<ReplyMatcher> {
    const isShared = this.#options.correlation !== "port";
    const max = isShared ? MAX_WAITING : MAX_LANES;
    while (this.#waitingCount >= max) await this.#vacancy.promise;
    this.#waitingCount++;
    const [shared] = this.#matchers;
    if (isShared && shared) return shared;
    const [oldest] = this.#done;
    if (this.#matchers.size >= max && oldest) {
      this.#done.delete(oldest);
      this.#matchers.delete(oldest);
      await oldest.close();
    }
    return await this.#addMatcher();
  }

  async #addMatcher(): Promise<ReplyMatcher> {
    const { correlation, target, hasManyReceivers, open } = this.#options;
    const matcher = new ReplyMatcher(await open(), {
      correlation,
      source: hasManyReceivers ? undefined : target,
      now: this.#now,
      onUnmatched: () => this.summary.unmatched++,
      onUnexpectedSender: (from) => this.summary.addUnexpectedSender(from),
    });
    this.#matchers.add(matcher);
    return matcher;
  }

  #giveBack(matcher: ReplyMatcher): void {
    this.#waitingCount--;
    if (this.#options.correlation === "port") this.#done.add(matcher);
    this.#vacancy.resolve();
    this.#vacancy = Promise.withResolvers();
  }
}
