import type { Member } from "./member.ts";
import type { Room } from "./room.ts";

/** How long an operator that is disconnected may come back as one. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 1_000;

/**
 * Rooms that an operator's connection ended in, so that a reload of a page or a
 * lost connection does not cost the room its operator. Whoever knows the secret
 * that the operator joined with is the same person.
 */
export class OperatorClaims {
  readonly #now: () => number;
  /** When each claim to a room ends, the oldest first. */
  readonly #endsMs = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The member's connection has ended: it is still in its rooms. */
  keep(member: Member): void {
    if (member.claim === undefined) return;
    for (const room of member.rooms.values()) {
      if (room.operators.has(member)) this.#endsMs.set(keyOf(member.claim, room), this.#now() + KEPT_MS);
    }
    for (const key of this.#endsMs.keys()) {
      if (this.#endsMs.size <= MAX_KEPT) break;
      this.#endsMs.delete(key);
    }
  }

  /** Whether the member was an operator of the room a while ago; a claim is good for once. */
  take(member: Member, room: Room): boolean {
    if (member.claim === undefined) return false;
    const key = keyOf(member.claim, room);
    const endMs = this.#endsMs.get(key);
    this.#endsMs.delete(key);
    return endMs !== undefined && this.#now() < endMs;
  }
}

function keyOf(claim: string, { key }: Room): string {
  return `${key} ${claim}`;
}
