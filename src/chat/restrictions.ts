import { isIp, parseIp } from "../base/ip.ts";
import { type Cidr, clientRange, formatCidr, isInCidr, parseCidr } from "../base/cidr.ts";
import { keyOf } from "./names.ts";
import { nickKey } from "./nick_key.ts";

/** What a member may not do. */
export type RestrictionKind = "ban" | "mute";

/** A ban or a mute of one room. */
export interface Restriction {
  readonly kind: RestrictionKind;
  /** A name in lower case, or an address or a range as {@linkcode subjectKey} writes it. */
  readonly subject: string;
  /** When it ends, in milliseconds since 1970; without it, it stays. */
  readonly untilMs?: number | undefined;
}

/** Whether a subject is an address or a range of addresses, rather than a name; no name has a slash. */
export function isAddress(subject: string): boolean {
  return subject.includes("/") || isIp(subject);
}

/**
 * The same for each way to write a subject: `10.0.0.7` also for
 * `::ffff:10.0.0.7`, the /64 network for an IPv6 address, and one key for names
 * that look alike.
 *
 * @throws {SyntaxError} A range cannot be parsed.
 */
export function subjectKey(subject: string): string {
  return isAddress(subject) ? formatCidr(clientRange(parseCidr(subject))) : nickKey(subject);
}

/** A ban or a mute, with its subject in the form in which it is stored. */
export function restrictionOf(kind: RestrictionKind, subject: string, untilMs?: number): Restriction {
  return { kind, subject: isAddress(subject) ? subjectKey(subject) : keyOf(subject), untilMs };
}

/** The bans and mutes of one room, by name and by address. */
export class Restrictions {
  readonly #entries = new Map<string, Restriction>();
  /** Those of the entries that are ranges of addresses. */
  readonly #ranges = new Map<string, Cidr>();
  readonly #now: () => number;

  /** None at first; `now` is there for tests. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether nothing was ever restricted: the answer of nearly every message. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** How many there are; some may have ended. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds one, in place of an earlier one of the same subject. */
  add(restriction: Restriction): void {
    const own = subjectKey(restriction.subject);
    const key = `${restriction.kind} ${own}`;
    this.#entries.set(key, restriction);
    if (own.includes("/")) this.#ranges.set(key, parseCidr(own));
  }

  /** The one of that very subject, if it applies now. */
  get(kind: RestrictionKind, subject: string): Restriction | undefined {
    return this.#at(`${kind} ${subjectKey(subject)}`);
  }

  /** Takes one back; `false` where there was none of that very subject. */
  remove(kind: RestrictionKind, subject: string): boolean {
    return this.get(kind, subject) !== undefined && this.#delete(`${kind} ${subjectKey(subject)}`);
  }

  /** Forgets those that have ended. */
  dropEnded(): void {
    for (const key of [...this.#entries.keys()]) this.#at(key);
  }

  /** The one that applies to a name or an address now. */
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

  /** The entry of a key, unless it has ended. */
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

  /** All that apply now. */
  list(): Restriction[] {
    return [...this.#entries.values()].filter(({ untilMs }) => untilMs === undefined || untilMs > this.#now());
  }
}

/** ` until 2026-11-22 12:00 UTC`, or nothing where it stays. */
export function untilText({ untilMs }: Restriction): string {
  return untilMs === undefined ? "" : ` until ${new Date(untilMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
