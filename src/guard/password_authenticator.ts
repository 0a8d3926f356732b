import { type Duration, parseDuration } from "../base/units.ts";
import { delay } from "../net/wait.ts";
import { AddressBuckets } from "./address_buckets.ts";
import { addressKey } from "./address_key.ts";
import type { Authenticator, Identity } from "./authenticator.ts";
import { verifyPassword } from "./password_hash.ts";

/** One name that can log in. */
export interface PasswordEntry {
  /** Who it is. */
  readonly identity: Identity;
  /** As `hashPassword()` makes it. */
  readonly hash: string;
}

/** Options of {@linkcode PasswordAuthenticator}. */
export interface PasswordAuthenticatorOptions {
  /**
   * Failures that one address may have with one name at once; then it is rejected.
   *
   * @default {10}
   */
  attempts?: number;
  /**
   * How often one more failure is forgiven.
   *
   * @default {"6s"}
   */
  forgiveAfter?: Duration;
  /**
   * Failures that one address may have with all names, and one name from all
   * addresses; then every attempt of either takes `holdFor` longer.
   *
   * @default {100}
   */
  sharedAttempts?: number;
  /**
   * How long such an attempt is held.
   *
   * @default {"5s"}
   */
  holdFor?: Duration;
  /** Milliseconds, monotonic; for tests. */
  now?: () => number;
}

/** A hash that no password has: what a name that is not there is compared with. */
const NOBODY = `scrypt$15$8$1$${"A".repeat(22)}==$${"A".repeat(43)}=`;

/** Hashes that are worked out at once: each takes 32 MiB and a thread. */
const MAX_AT_ONCE = 2;

/**
 * Checks names and passwords against hashes. An address is rejected with the
 * name that it guesses at, and not with others: many people may have one
 * address, and anyone can guess at a name.
 */
export class PasswordAuthenticator implements Authenticator {
  /** By address and name. */
  readonly #failures: AddressBuckets;
  /** By address, and by name. */
  readonly #shared: AddressBuckets;
  readonly #holdMs: number;
  readonly #now: () => number;
  #entries: ReadonlyMap<string, PasswordEntry>;
  #running = 0;
  #waiting: (() => void)[] = [];
  #lastHashMs = 0;

  /** `entries` by name. */
  constructor(entries: ReadonlyMap<string, PasswordEntry>, options: PasswordAuthenticatorOptions = {}) {
    const { attempts = 10, forgiveAfter = "6s", sharedAttempts = 100, holdFor = "5s" } = options;
    const perSecond = 1_000 / parseDuration(forgiveAfter);
    this.#entries = entries;
    this.#failures = new AddressBuckets({ perSecond, burst: attempts });
    this.#shared = new AddressBuckets({ perSecond, burst: sharedAttempts });
    this.#holdMs = parseDuration(holdFor);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Replaces the names; clients that are logged in stay logged in. */
  replace(entries: ReadonlyMap<string, PasswordEntry>): void {
    this.#entries = entries;
  }

  async verify(name: string, password: string, address: string): Promise<Identity | undefined> {
    const entry = this.#entries.get(name);
    // Names that do not exist count as one, so that they take no memory.
    const counted = entry === undefined ? "" : name;
    const pair = this.#failures.of(`${addressKey(address)} ${counted}`, this.#now());
    // Taken before the hash is worked out, so that guesses at the same time are counted too.
    if (!pair.tryTake(1, this.#now())) {
      await delay(this.#lastHashMs);
      return undefined;
    }
    const shared = [address, `name ${counted}`].map((key) => this.#shared.of(key, this.#now()));
    const taken = shared.filter((bucket) => bucket.tryTake(1, this.#now()));
    if (taken.length < shared.length) await delay(this.#holdMs);
    const isRight = await this.#compare(password, entry?.hash ?? NOBODY);
    if (!isRight || entry === undefined) return undefined;
    for (const bucket of [pair, ...taken]) bucket.giveBack(1);
    return entry.identity;
  }

  async #compare(password: string, hash: string): Promise<boolean> {
    while (this.#running >= MAX_AT_ONCE) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    const startMs = performance.now();
    try {
      return await verifyPassword(password, hash);
    } finally {
      this.#lastHashMs = performance.now() - startMs;
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
