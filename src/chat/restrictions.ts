import { keyOf } from "./names.ts";

/** What a member may not do. */
export type RestrictionKind = "ban" | "mute";

/** A ban or a mute of one room. */
export interface Restriction {
  readonly kind: RestrictionKind;
  /** A name without its case, or an address. */
  readonly subject: string;
  /** When it ends, in milliseconds since 1970; without it, it stays. */
  readonly untilMs?: number | undefined;
}

/** The bans and mutes of one room, by name and by address. */
export class Restrictions {
  readonly #entries = new Map<string, Restriction>();
  readonly #now: () => number;

  /** None at first; `now` is there for tests. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Those of a list that apply now. */
  static of(list: readonly Restriction[]): Restrictions {
    const restrictions = new Restrictions();
    const nowMs = restrictions.#now();
    for (const { kind, subject, untilMs } of list) {
      if (untilMs === undefined || untilMs > nowMs) restrictions.add(kind, subject, untilMs);
    }
    return restrictions;
  }

  /** Whether nothing was ever restricted: the answer of nearly every message. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** How many there are; {@linkcode of} takes none that has ended. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds one, in place of an earlier one of the same subject. */
  add(kind: RestrictionKind, subject: string, untilMs?: number): void {
    const key = keyOf(subject);
    this.#entries.set(`${kind} ${key}`, { kind, subject: key, untilMs });
  }

  /** Takes one back; `false` where there was none. */
  remove(kind: RestrictionKind, subject: string): boolean {
    return this.find(kind, [subject]) !== undefined && this.#entries.delete(`${kind} ${keyOf(subject)}`);
  }

  /** The one that applies to a name or an address now. */
  find(kind: RestrictionKind, subjects: readonly (string | undefined)[]): Restriction | undefined {
    for (const subject of subjects) {
      if (subject === undefined) continue;
      const key = `${kind} ${keyOf(subject)}`;
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      if (entry.untilMs === undefined || entry.untilMs > this.#now()) return entry;
      this.#entries.delete(key);
    }
    return undefined;
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
