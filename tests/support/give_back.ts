import { assert } from "@std/assert";

/** Options of {@linkcode assertGivesBack}. */
interface GiveBackOptions {
  /** Places that there are. */
  readonly limit: number;
  /** Takes a place and loses it again: is refused, fails, or ends. */
  readonly lose: (round: number) => Promise<unknown>;
  /** Whether a later client is served. */
  readonly isServed: () => Promise<boolean>;
}

/** Loses a place twice more often than there are places; the next one must still be served. */
export async function assertGivesBack({ limit, lose, isServed }: GiveBackOptions): Promise<void> {
  for (let round = 0; round < limit + 2; round++) await withinTime(lose(round), `loss ${round + 1}`);
  assert(await withinTime(isServed(), "the one after them"), `no place is left after ${limit + 2} were given back`);
}

/** Fails, in place of hanging, what would be waited for without an end. */
export async function withinTime<T>(work: Promise<T>, what: string, limitMs = 10_000): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: nothing within ${limitMs / 1_000} s`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
