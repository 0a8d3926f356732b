import { createHash } from "node:crypto";

/** How long a disconnected operator can reclaim its rights. */
const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 1_000;

/** Hash of a client's secret; the secret itself is neither stored nor sent to other servers. */
export function claimKey(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url").slice(0, 22);
}

/**
 * Claims of disconnected operators, so that a page reload or a lost connection does not leave a room without an
 * operator. A client with the same secret is the same person. In a cluster every server has all claims, so that the
 * operator can reconnect to any of them.
 */
export class OperatorClaims {
  readonly #now: () => number;
  /** Expiry of each claim, oldest first. */
  readonly #endsMs = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Adds claims for a disconnected operator of these rooms. */
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

  /** Redeems a claim to the room, if any; each can be used once in the cluster. */
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
