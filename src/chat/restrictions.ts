import { isIp, parseIp } from "../base/ip.ts";
import { type Cidr, clientRange, formatCidr, isInCidr, parseCidr } from "../base/cidr.ts";
import { keyOf } from "./names.ts";
import { nickKey } from "./nick_key.ts";

/** Kinds of restrictions. */
export type RestrictionKind = "ban" | "mute";

/** A ban or a mute in a room. */
export interface Restriction {
  readonly kind: RestrictionKind;
  /** A name in lower case, or an address or range as from {@linkcode subjectKey}. */
  readonly subject: string;
  /** Expiry in milliseconds since 1970; permanent without it. */
  readonly untilMs?: number | undefined;
}

/** Whether a subject is an address or a range of addresses, rather than a name; no name has a slash. */
export function isAddress(subject: string): boolean {
  return subject.includes("/") || isIp(subject);
}

/**
 * Canonical key of a subject: `10.0.0.7` also for `::ffff:10.0.0.7`, the /64 network for an IPv6 address, and one key
 * for names that look alike.
 *
 * @throws {SyntaxError} A range cannot be parsed.
 */
export function subjectKey(subject: string): string {
  return isAddress(subject) ? formatCidr(clientRange(parseCidr(subject))) : nickKey(subject);
}

/** A ban or a mute with a canonical subject. */
export function restrictionOf(kind: RestrictionKind, subject: string, untilMs?: number): Restriction {
  return { kind, subject: isAddress(subject) ? subjectKey(subject) : keyOf(subject), untilMs };
}

/** The bans and mutes of one room, by name and by address. */
export class Restrictions {
  readonly #entries = new Map<string, Restriction>();
  readonly #ranges = new Map<string, Cidr>();
  readonly #now: () => number;

  /** Starts empty; `now` is a parameter for tests. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether there are no restrictions, a fast check for every message. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Number of entries, including expired ones. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds an entry, replacing an earlier one of the same subject. */
  add(restriction: Restriction): void {
    const own = subjectKey(restriction.subject);
    const key = `${restriction.kind} ${own}`;
    this.#entries.set(key, restriction);
    if (own.includes("/")) this.#ranges.set(key, parseCidr(own));
  }

  /** The active entry of exactly this subject. */
  get(kind: RestrictionKind, subject: string): Restriction | undefined {
    return this.#at(`${kind} ${subjectKey(subject)}`);
  }

  /** Removes the entry of exactly this subject; `false` if there is none. */
  remove(kind: RestrictionKind, subject: string): boolean {
    return this.get(kind, subject) !== undefined && this.#delete(`${kind} ${subjectKey(subject)}`);
  }

  /** Removes expired entries. */
  dropEnded(): void {
    for (const key of [...this.#entries.keys()]) this.#at(key);
  }

  /** The active entry that applies to a name or an address. */
  find(kind: RestrictionKind, subjects: readonly (string | undefined)[]): Restriction | undefined {
    for (const subject of subjects) {
      const found = subject === undefined
        ? undefined
        : this.#at(`${kind} ${subjectKey(subject)}`) ?? this.#coveredBy(kind, subject);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #coveredBy(kind: RestrictionKind, address: string): Restriction | undefined {
    const bytes = this.#ranges.size === 0 ? undefined : parseIp(address);
    if (bytes === undefined) return undefined;
    for (const [key, range] of this.#ranges) {
      const entry = isInCidr(bytes, range) ? this.#at(key) : undefined;
      if (entry?.kind === kind) return entry;
    }
    return undefined;
  }

  /** The entry of a key, unless it has expired. */
  #at(key: string): Restriction | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs === undefined || entry.untilMs > this.#now()) return entry;
    this.#delete(key);
    return undefined;
  }

  #delete(key: string): boolean {
    this.#ranges.delete(key);
    return this.#entries.delete(key);
  }

  /** All active entries. */
  list(): Restriction[] {
    return [...this.#entries.values()].filter(({ untilMs }) => untilMs === undefined || untilMs > this.#now());
  }
}

/** ` until 2026-11-22 12:00 UTC`, or nothing if permanent. */
export function untilText({ untilMs }: Restriction): string {
  return untilMs === undefined ? "" : ` until ${new Date(untilMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
