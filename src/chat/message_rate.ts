import { isLoopback } from "../base/ip.ts";
import { formatDuration } from "../base/units.ts";
import { AddressBuckets } from "../guard/address_buckets.ts";
import { addressKey } from "../guard/address_key.ts";
import { type RateOptions, TokenBucket } from "../guard/token_bucket.ts";

/** Rate limit of one client. */
interface MessageRateOptions {
  /** Maximum burst of messages. */
  readonly burst: number;
  /** Sustained messages per second. */
  readonly perSecond: number;
  /**
   * Clock in milliseconds.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** Consecutive delayed messages after which a client is muted. */
const DELAYS_BEFORE_MUTE = 10;
const MUTE_MS = 30_000;

/**
 * The rate limiter of one client: it first delays messages, then mutes clients that do not slow down for 30 seconds.
 */
export class MessageRate {
  readonly #options: MessageRateOptions;
  readonly #now: () => number;
  #bucket: TokenBucket;
  #delays = 0;
  /** Consecutive messages without delay. */
  #passes = 0;
  #mutedUntilMs = -Infinity;

  constructor(options: MessageRateOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#bucket = new TokenBucket(options, this.#now());
  }

  /** Whether it is in its initial state. */
  get isFresh(): boolean {
    return !this.isMuted && this.#delays === 0 && this.#bucket.isFull(this.#now());
  }

  /** Whether messages are currently dropped. */
  get isMuted(): boolean {
    return this.#now() < this.#mutedUntilMs;
  }

  /** Remaining time as text. */
  get mutedText(): string {
    return formatDuration(Math.ceil((this.#mutedUntilMs - this.#now()) / 1_000) * 1_000);
  }

  /** Counts one message; returns its delay in milliseconds. */
  take(): number {
    const nowMs = this.#now();
    if (nowMs < this.#mutedUntilMs) return 0;
    const delayMs = this.#bucket.take(1, nowMs);
    if (delayMs === 0) {
      // With a late timer a message may pass without delay, which is not a pause.
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

/** Rate limits of all clients. */
interface MessageRatesOptions {
  /** Messages per second and client; 0 for no limit, `undefined` for the default limit except on loopback. */
  readonly perSecond: number | undefined;
  /** Maximum burst of messages. */
  readonly burst: number;
  /**
   * Clock in milliseconds.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** Default messages per second of a remote client. */
const DEFAULT_RATE = 2;
/**
 * Multiple of a client's rate for all clients of one address, which may be many people behind a router, or a spammer.
 */
const ADDRESS_FACTOR = 5;
/** Multiple of a client's rate for all clients in one room. */
const ROOM_FACTOR = 20;
/** Rooms that a client may enter without counting as messages: as many as it may be in. */
const FREE_JOINS = 50;
/** Maximum disconnected clients whose rate is remembered. */
const MAX_PARKED = 10_000;

/** The rate limiters of all clients. A reconnecting client continues with the state of its address. */
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

  constructor(options: MessageRatesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** The rate limiter of a connected client; `undefined` without a limit. No address means a Unix socket. */
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
    // Re-added last, so that the least recently seen address is first.
    const rates = [...this.#parked.get(key) ?? [], rate];
    this.#parked.delete(key);
    this.#parked.set(key, rates);
    this.#parkedCount++;
  }

  /** The most restricted remaining state. */
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

/** The rate limiter of one client, combined with those of its address and its login. */
export class ClientRate implements Disposable {
  readonly #host: ClientRateHost;
  #own: MessageRate;
  #login: string | undefined;
  #joins = FREE_JOINS;

  constructor(own: MessageRate, host: ClientRateHost) {
    this.#own = own;
    this.#host = host;
  }

  /** The rate limiter of a room. */
  get room(): RateOptions {
    return this.#host.room;
  }

  /** Whether messages are currently dropped. */
  get isMuted(): boolean {
    return this.#own.isMuted;
  }

  /** Remaining time as text. */
  get mutedText(): string {
    return this.#own.mutedText;
  }

  /** Counts one message; returns its delay in milliseconds. */
  take(): number {
    const ownMs = this.#own.take();
    return this.isMuted ? 0 : Math.max(ownMs, this.#host.takeOfAddress());
  }

  /** Whether entering a room is free: a returning client enters all of its rooms at once. */
  takeJoin(): boolean {
    return this.#joins-- > 0 && this.#host.takeJoin();
  }

  /** Called after login: all connections of the name share one rate. */
  admit(login: string): void {
    if (this.#login === login) return;
    this.#login = login;
    this.#own = this.#host.ofLogin(login, this.#own);
  }

  /** Called when the client disconnects. */
  [Symbol.dispose](): void {
    if (this.#login === undefined) this.#host.park(this.#own);
  }
}
