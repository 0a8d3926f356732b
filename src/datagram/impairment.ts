import { type Duration, parseDuration } from "../base/units.ts";
import { normalDeviate, seededRandom } from "../base/random.ts";
import { DelayQueue } from "./delay_queue.ts";

/** How long a datagram waits to be overtaken by a later one, in milliseconds. */
const OVERTAKE_WITHIN_MS = 100;
/** Maximum datagrams of one flow that wait to be overtaken; further ones pass, so that even a share of 100% works. */
const MAX_OVERTAKEN = 64;
/** Maximum datagrams that wait in an impairment by default. */
export const MAX_QUEUED = 10_000;
/** Maximum bytes that wait in an impairment. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** Options of a simulated bad network; shares are from 0 to 1, and by default there is no effect. */
export interface ImpairmentOptions {
  /** Share of datagrams that are lost. */
  drop?: number;
  /** Share of datagrams that arrive twice. */
  dup?: number;
  /** Share of datagrams that arrive after one that was sent later. */
  reorder?: number;
  /** Share of datagrams in which one bit is flipped. */
  corrupt?: number;
  /** Delay of each datagram. */
  delay?: Duration;
  /** Maximum deviation from the delay (uniform), or its standard deviation (normal). */
  jitter?: Duration;
  /**
   * How the deviation is distributed.
   *
   * @default {"uniform"}
   */
  distribution?: "uniform" | "normal";
  /** Bandwidth in bits per second; further datagrams queue. `undefined` for no limit. */
  bitsPerSecond?: number | undefined;
  /** Maximum bytes of a client; datagrams beyond it are lost. `undefined` for no limit. */
  maxBytes?: number | undefined;
  /** The same seed has the same effect on the same datagram of the same client. */
  seed: number;
  /**
   * Distinguishes several impairments with the same seed.
   *
   * @default {0}
   */
  sequence?: number;
  /** Whether it affects the client with this number, from 1; by default it affects each. */
  appliesTo?: (client: number) => boolean;
  /**
   * Direction of the datagrams; each direction has its own randomness.
   *
   * @default {"to-target"}
   */
  direction?: "to-target" | "to-client";
  /**
   * Maximum queued datagrams; further ones are dropped, as in a router's queue.
   *
   * @default {10000}
   */
  maxQueued?: number;
}

/** The effects of an impairment, in datagrams. */
export interface ImpairmentCounts {
  /** Datagrams that passed. */
  passed: number;
  /** Datagrams that were dropped. */
  dropped: number;
  /** Datagrams that were sent twice. */
  duplicated: number;
  /** Datagrams that were overtaken. */
  reordered: number;
  /** Datagrams with a flipped bit. */
  corrupted: number;
  /** Dropped because the queue was full. */
  overflowed: number;
  /** Still waiting at the end, and never delivered. */
  discarded: number;
}

export function noCounts(): ImpairmentCounts {
  return { passed: 0, dropped: 0, duplicated: 0, reordered: 0, corrupted: 0, overflowed: 0, discarded: 0 };
}

/** A datagram on its way through an impairment. */
interface InTransit {
  readonly bytes: Uint8Array;
  readonly copies: 1 | 2;
  /** Deviation from the delay. */
  readonly jitterMs: number;
  readonly deliver: (data: Uint8Array) => void;
}

/**
 * A bad network in one direction; {@linkcode Impairments} joins several. The bandwidth and the queue are shared by
 * all clients; randomness is not: which datagrams are dropped, duplicated, delayed or corrupted depends on the seed,
 * the direction, the client's number in the order of arrival, and the datagram's number, not on time or other clients.
 */
export class Impairment {
  /** Effects so far. */
  readonly counts: ImpairmentCounts = noCounts();
  readonly #options: ImpairmentOptions;
  readonly #delayMs: number;
  readonly #maxQueued: number;
  readonly #now: () => number;
  readonly #queue: DelayQueue;
  readonly #holding = new Set<ImpairedFlow>();
  #queued = 0;
  #queuedBytes = 0;
  #linkFreeMs = 0;

  /** `now` returns milliseconds of a monotonic clock. */
  constructor(options: ImpairmentOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#delayMs = parseDuration(options.delay ?? 0);
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED;
    this.#now = now;
    this.#queue = new DelayQueue(now);
  }

  /** Whether it affects the client with this number, from 1. */
  appliesTo(client: number): boolean {
    return this.#options.appliesTo?.(client) ?? true;
  }

  /** The datagrams of the client with this number, from 1. */
  flow(client: number): ImpairedFlow {
    const { seed, direction, sequence = 0 } = this.#options;
    const random = seededRandom(seed, client, direction === "to-client" ? 1 : 0, sequence);
    return new ImpairedFlow(this.#options, random, {
      counts: this.counts,
      reserve: (bytes) => this.#reserve(bytes),
      release: (bytes) => this.#release(bytes),
      send: (datagram) => this.#send(datagram),
      setHolding: (flow, isHolding) => isHolding ? this.#holding.add(flow) : this.#holding.delete(flow),
    });
  }

  /** Settles when everything that waits has been delivered. */
  async whenIdle(): Promise<void> {
    for (const flow of this.#holding) flow.sendHeld();
    await this.#queue.whenEmpty();
  }

  /** Discards and counts the waiting datagrams. */
  [Symbol.dispose](): void {
    for (const flow of this.#holding) this.counts.discarded += flow.clear();
    this.counts.discarded += this.#queue.clear();
    this.#queued = this.#queuedBytes = 0;
  }

  #reserve(bytes: number): boolean {
    if (this.#queued >= this.#maxQueued || this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      this.counts.overflowed++;
      return false;
    }
    this.#queued++;
    this.#queuedBytes += bytes;
    return true;
  }

  #release(bytes: number): void {
    this.#queued--;
    this.#queuedBytes -= bytes;
  }

  #send(datagram: InTransit): void {
    for (let copy = 0; copy < datagram.copies; copy++) this.#delay(datagram);
  }

  #delay({ bytes, jitterMs, deliver }: InTransit): void {
    const { bitsPerSecond } = this.#options;
    const waitMs = Math.max(0, this.#delayMs + jitterMs);
    const nowMs = this.#now();
    const linkFreeMs = bitsPerSecond === undefined
      ? nowMs
      : Math.max(nowMs, this.#linkFreeMs) + bytes.length * 8_000 / bitsPerSecond;
    const dueMs = linkFreeMs + waitMs;
    const isImmediate = dueMs <= nowMs && this.#queue.length === 0;
    if (!isImmediate && !this.#reserve(bytes.length)) return;
    // A datagram that is dropped because the queue is full does not occupy the link.
    this.#linkFreeMs = linkFreeMs;
    this.counts.passed++;
    if (isImmediate) return deliver(bytes);
    this.#queue.add(dueMs, () => {
      this.#release(bytes.length);
      deliver(bytes);
    });
  }
}

/** The part of an impairment that its flows use. */
interface Link {
  readonly counts: ImpairmentCounts;
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  send(datagram: InTransit): void;
  setHolding(flow: ImpairedFlow, isHolding: boolean): void;
}

/** The datagrams of one client in one direction. */
export class ImpairedFlow {
  readonly #options: ImpairmentOptions;
  readonly #jitterMs: number;
  readonly #random: () => number;
  readonly #link: Link;
  /** Bytes received so far. */
  #bytes = 0;
  /** Datagrams that the next one overtakes. */
  #held: InTransit[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Created by {@linkcode Impairment.flow}. */
  constructor(options: ImpairmentOptions, random: () => number, link: Link) {
    this.#options = options;
    this.#jitterMs = parseDuration(options.jitter ?? 0);
    this.#random = random;
    this.#link = link;
  }

  /**
   * Accepts one datagram and calls `deliver` for its output: never, once or twice, now or later, each time with a copy
   * of the bytes.
   */
  pass(data: Uint8Array, deliver: (data: Uint8Array) => void): void {
    const { drop = 0, dup = 0, reorder = 0, corrupt = 0, distribution, maxBytes } = this.#options;
    const { counts } = this.#link;
    // Every datagram draws the same number of random values; otherwise one option would change the effect of others.
    const isDropped = this.#random() < drop;
    const isDuplicated = this.#random() < dup;
    const isReordered = this.#random() < reorder;
    const isCorrupted = this.#random() < corrupt;
    const bit = Math.floor(this.#random() * data.length * 8);
    const deviation = distribution === "normal"
      ? normalDeviate(this.#random(), this.#random())
      : this.#random() * 2 - 1;
    const deviationMs = deviation * this.#jitterMs;
    this.#bytes += data.length;
    if (isDropped || (maxBytes !== undefined && this.#bytes > maxBytes)) {
      counts.dropped++;
      return;
    }
    const bytes = data.slice();
    if (isCorrupted && bytes.length > 0) {
      counts.corrupted++;
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
    if (isDuplicated) counts.duplicated++;
    const datagram: InTransit = { bytes, copies: isDuplicated ? 2 : 1, jitterMs: deviationMs, deliver };
    if (isReordered && this.#held.length < MAX_OVERTAKEN) return this.#hold(datagram);
    this.#link.send(datagram);
    counts.reordered += this.#held.length;
    this.sendHeld();
  }

  /** Sends the datagrams that were not overtaken in time. */
  sendHeld(): void {
    for (const datagram of this.#takeHeld()) this.#link.send(datagram);
  }

  /** Discards them; returns how many there were. */
  clear(): number {
    return this.#takeHeld().reduce((sum, { copies }) => sum + copies, 0);
  }

  #hold(datagram: InTransit): void {
    if (!this.#link.reserve(datagram.bytes.length)) return;
    this.#held.push(datagram);
    this.#link.setHolding(this, true);
    this.#timer ??= setTimeout(() => this.sendHeld(), OVERTAKE_WITHIN_MS);
  }

  #takeHeld(): InTransit[] {
    if (this.#held.length === 0) return this.#held;
    const held = this.#held;
    this.#held = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#link.setHolding(this, false);
    for (const { bytes } of held) this.#link.release(bytes.length);
    return held;
  }
}
