import { isLoopback } from "../base/ip.ts";
import { formatDuration } from "../base/units.ts";
import { AddressBuckets } from "../guard/address_buckets.ts";
import { addressKey } from "../guard/address_key.ts";
import { type RateOptions, TokenBucket } from "../guard/token_bucket.ts";

/** How fast one client may send. */
export interface MessageRateOptions {
  /** Messages at once, after a pause. */
  readonly burst: number;
  /** Messages a second in the long run. */
  readonly perSecond: number;
  /**
   * The time, in milliseconds.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** Messages that had to wait, without a pause between them, after which a client is muted. */
const DELAYS_BEFORE_MUTE = 10;
const MUTE_MS = 30_000;

/**
 * The rate of one client: it first delays, and mutes for 30 seconds whoever
 * does not slow down.
 */
export class MessageRate {
  readonly #options: MessageRateOptions;
  readonly #now: () => number;
  #bucket: TokenBucket;
  #delays = 0;
  /** Messages in a row that did not have to wait. */
  #passes = 0;
  #mutedUntilMs = -Infinity;

  /** Nothing was sent yet. */
  constructor(options: MessageRateOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#bucket = new TokenBucket(options, this.#now());
  }

  /** Whether a new one would be the same. */
  get isFresh(): boolean {
    return !this.isMuted && this.#delays === 0 && this.#bucket.isFull(this.#now());
  }

  /** Whether what the client sends now is dropped. */
  get isMuted(): boolean {
    return this.#now() < this.#mutedUntilMs;
  }

  /** How long that lasts, for people. */
  get mutedText(): string {
    return formatDuration(Math.ceil((this.#mutedUntilMs - this.#now()) / 1_000) * 1_000);
  }

  /** Counts one message; the result is how long it must wait, in milliseconds. */
  take(): number {
    const nowMs = this.#now();
    if (nowMs < this.#mutedUntilMs) return 0;
    const delayMs = this.#bucket.take(1, nowMs);
    if (delayMs === 0) {
      // A late timer lets one pass now and then: that is no pause.
      if (++this.#passes >= this.#options.burst) this.#delays = 0;
      return 0;
    }
    this.#passes = 0;
    if (++this.#delays <= DELAYS_BEFORE_MUTE) return delayMs;
    this.#delays = 0;
    this.#mutedUntilMs = nowMs + MUTE_MS;
    this.#bucket = new TokenBucket(this.#options, this.#mutedUntilMs);
    return 0;
  }
}

/** How fast clients may send, and from where. */
export interface MessageRatesOptions {
  /** Messages a second of one client; 0 for no limit, `undefined` for the default limit except on loopback. */
  readonly perSecond: number | undefined;
  /** Messages at once, after a pause. */
  readonly burst: number;
  /**
   * The time, in milliseconds.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** Default messages a second of a client that is not on loopback. */
const DEFAULT_RATE = 2;
/** Clients of one address may send as much as so many together: people behind one router, or a spammer. */
const ADDRESS_FACTOR = 5;
/** All clients together may say as much in one room as so many. */
const ROOM_FACTOR = 20;
/** Rooms that a client may enter without it counting as a message: as many as it may be in. */
const FREE_JOINS = 50;
/** Clients that have left whose rate is remembered. */
const MAX_PARKED = 10_000;

/** The rates of all clients. One that reconnects has the rate that it, or another of its address, left with. */
export class MessageRates {
  readonly #options: MessageRatesOptions;
  readonly #now: () => number;
  readonly #parked = new Map<string, MessageRate[]>();
  #parkedCount = 0;
  readonly #ofLogin = new Map<string, MessageRate>();
  readonly #ofAddress = new Map<number, AddressBuckets>();
  /** Rooms that clients enter without it counting as a message. */
  readonly #joins = new AddressBuckets({
    perSecond: DEFAULT_RATE * ADDRESS_FACTOR,
    burst: ADDRESS_FACTOR * FREE_JOINS,
  });

  /** No client is connected. */
  constructor(options: MessageRatesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The rate of a client that has connected; `undefined` where there is no limit. No address means a Unix socket. */
  enter(address: string | undefined): ClientRate | undefined {
    const isLocal = address === undefined || isLoopback(address);
    const perSecond = this.#options.perSecond ?? (isLocal ? 0 : DEFAULT_RATE);
    if (perSecond === 0) return undefined;
    const { burst } = this.#options;
    const key = address === undefined ? "unix" : addressKey(address);
    const own = this.#unpark(key) ?? new MessageRate({ perSecond, burst, now: this.#now });
    let ofAddress = this.#ofAddress.get(perSecond);
    if (ofAddress === undefined) {
      ofAddress = new AddressBuckets({ perSecond: ADDRESS_FACTOR * perSecond, burst: ADDRESS_FACTOR * burst });
      this.#ofAddress.set(perSecond, ofAddress);
    }
    const buckets = ofAddress;
    return new ClientRate(own, {
      room: { perSecond: ROOM_FACTOR * perSecond, burst: ROOM_FACTOR * burst },
      takeJoin: () => this.#joins.of(key, this.#now()).tryTake(1, this.#now()),
      takeOfAddress: () => buckets.of(key, this.#now()).take(1, this.#now()),
      ofLogin: (login, rate) => this.#ofLogin.get(login) ?? (this.#ofLogin.set(login, rate), rate),
      park: (rate) => this.#park(key, rate),
    });
  }

  #park(key: string, rate: MessageRate): void {
    if (rate.isFresh) return;
    const [oldest] = this.#parkedCount < MAX_PARKED ? [] : this.#parked.keys();
    if (oldest !== undefined) this.#unpark(oldest);
    // Last, so that the address seen longest ago is first.
    const rates = [...this.#parked.get(key) ?? [], rate];
    this.#parked.delete(key);
    this.#parked.set(key, rates);
    this.#parkedCount++;
  }

  /** The most restricted one that was left behind. */
  #unpark(key: string): MessageRate | undefined {
    const rates = this.#parked.get(key) ?? [];
    const rate = rates.find(({ isMuted }) => isMuted) ?? rates[0];
    if (rate === undefined) return undefined;
    this.#parkedCount--;
    if (rates.length > 1) this.#parked.set(key, rates.filter((other) => other !== rate));
    else this.#parked.delete(key);
    return rate;
  }
}

interface ClientRateHost {
  readonly room: RateOptions;
  takeJoin(): boolean;
  takeOfAddress(): number;
  ofLogin(login: string, rate: MessageRate): MessageRate;
  park(rate: MessageRate): void;
}

/** The rate of one client, within those of its address and of its log-in. */
export class ClientRate implements Disposable {
  readonly #host: ClientRateHost;
  #own: MessageRate;
  #login: string | undefined;
  #joins = FREE_JOINS;

  constructor(own: MessageRate, host: ClientRateHost) {
    this.#own = own;
    this.#host = host;
  }

  /** What all clients may say in one room. */
  get room(): RateOptions {
    return this.#host.room;
  }

  /** Whether what the client sends now is dropped. */
  get isMuted(): boolean {
    return this.#own.isMuted;
  }

  /** How long that lasts, for people. */
  get mutedText(): string {
    return this.#own.mutedText;
  }

  /** Counts one message; the result is how long it must wait, in milliseconds. */
  take(): number {
    const ownMs = this.#own.take();
    return this.isMuted ? 0 : Math.max(ownMs, this.#host.takeOfAddress());
  }

  /** Whether entering a room is free: a client that comes back enters all of its rooms at once. */
  takeJoin(): boolean {
    return this.#joins-- > 0 && this.#host.takeJoin();
  }

  /** The client has logged in: all connections of the name have one rate from now on. */
  admit(login: string): void {
    if (this.#login === login) return;
    this.#login = login;
    this.#own = this.#host.ofLogin(login, this.#own);
  }

  /** The client has left. */
  [Symbol.dispose](): void {
    if (this.#login === undefined) this.#host.park(this.#own);
  }
}
