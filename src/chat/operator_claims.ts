import { createHash } from "node:crypto";

/** How long an operator that is disconnected may come back as one. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 1_000;

/** What a client's secret is recognized by: the secret itself is not kept, nor sent to other servers. */
export function claimKey(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url").slice(0, 22);
}

/**
 * Rooms that an operator's connection ended in, so that a reload of a page or a
 * lost connection does not cost the room its operator. Whoever joins with the
 * same secret is the same person. In a cluster every server keeps the claims of
 * all, so that the operator may come back to any of them.
 */
export class OperatorClaims {
  readonly #now: () => number;
  /** When each claim to a room ends, the oldest first. */
  readonly #endsMs = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** An operator of these rooms is disconnected. */
  keep(claim: string, roomKeys: Iterable<string>): void {
    for (const room of roomKeys) {
      const key = keyOf(claim, room);
      this.#endsMs.delete(key);
      this.#endsMs.set(key, this.#now() + KEPT_MS);
    }
    for (const key of this.#endsMs.keys()) {
      if (this.#endsMs.size <= MAX_KEPT) break;
      this.#endsMs.delete(key);
    }
  }

  /** Whether there is a claim to the room; each is used once, on whichever server. */
  take(claim: string, roomKey: string): boolean {
    const key = keyOf(claim, roomKey);
    const endMs = this.#endsMs.get(key);
    this.#endsMs.delete(key);
    return endMs !== undefined && this.#now() < endMs;
  }
}

function keyOf(claim: string, roomKey: string): string {
  return `${roomKey} ${claim}`;
}
