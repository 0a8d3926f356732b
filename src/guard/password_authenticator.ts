import { type Duration, parseDuration } from "../base/units.ts";
import { delay } from "../net/wait.ts";
import { AddressBuckets } from "./address_buckets.ts";
import { addressKey } from "./address_key.ts";
import type { Authenticator, Identity } from "./authenticator.ts";
import { verifyPassword } from "./password_hash.ts";

/** An account. */
export interface PasswordEntry {
  /** The identity. */
  readonly identity: Identity;
  /** A hash from `hashPassword()`. */
  readonly hash: string;
}

/** Options of {@linkcode PasswordAuthenticator}. */
export interface PasswordAuthenticatorOptions {
  /**
   * Maximum burst of failures of one address with one name, after which it is rejected.
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
  /** Monotonic clock in milliseconds, for tests. */
  now?: () => number;
}

/** A hash without a password, compared for unknown names so that they take the same time. */
const NOBODY = `scrypt$15$8$1$${"A".repeat(22)}==$${"A".repeat(43)}=`;

/** Maximum concurrent hashes: each uses 32 MiB and a thread. */
const MAX_AT_ONCE = 2;

/**
 * Checks names and passwords against hashes. After failures an address is rejected for the guessed name only, not for
 * others: many users can share an address, and anyone can guess at a name.
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

  /** Creates an authenticator for accounts by name. */
  constructor(entries: ReadonlyMap<string, PasswordEntry>, options: PasswordAuthenticatorOptions = {}) {
    const { attempts = 10, forgiveAfter = "6s", sharedAttempts = 100, holdFor = "5s" } = options;
    const perSecond = 1_000 / parseDuration(forgiveAfter);
    this.#entries = entries;
    this.#failures = new AddressBuckets({ perSecond, burst: attempts });
    this.#shared = new AddressBuckets({ perSecond, burst: sharedAttempts });
    this.#holdMs = parseDuration(holdFor);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Replaces the accounts; logged-in clients stay logged in. */
  replace(entries: ReadonlyMap<string, PasswordEntry>): void {
    this.#entries = entries;
  }

  async verify(name: string, password: string, address: string): Promise<Identity | undefined> {
    const entry = this.#entries.get(name);
    // All unknown names count as one, so that they use no memory.
    const counted = entry === undefined ? "" : name;
    const pair = this.#failures.of(`${addressKey(address)} ${counted}`, this.#now());
    // Taken before hashing, so that concurrent guesses count too.
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
