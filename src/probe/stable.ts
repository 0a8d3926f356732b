import { parseDuration } from "../base/units.ts";
import { TimeoutError } from "../base/errors.ts";
import type { ProbeExpectations } from "./probe.ts";

/** How long a server must stay by default: longer than a proxy takes to close when the service behind it is down. */
const STABLE_FOR_MS = 50;

/** How long a server must stay, in milliseconds; a banner is proof enough unless a time is given. */
export function stableForMs({ stableFor, banner }: Pick<ProbeExpectations, "stableFor" | "banner">): number {
  return parseDuration(stableFor ?? (banner === undefined ? STABLE_FOR_MS : 0));
}

/** A timer may fire this much early. */
const TIMER_GRAIN_MS = 2;

/**
 * Waits until the peer has stayed for a time. A proxy in front of a dead
 * service accepts the connection and closes it at once: that is not "up".
 *
 * @param read What comes next within the milliseconds; `null` at the peer's end.
 */
export async function assertStable(
  read: (ms: number) => Promise<Uint8Array | null>,
  stableForMs: number,
  closed: () => Error,
): Promise<void> {
  const endMs = performance.now() + stableForMs;
  try {
    for (let leftMs = stableForMs; leftMs > 0; leftMs = endMs - performance.now()) {
      if (await read(leftMs) === null) throw closed();
    }
  } catch (error) {
    // The attempt's own deadline may come first: then the time that was asked for has not been seen.
    if (!(error instanceof TimeoutError) || performance.now() < endMs - TIMER_GRAIN_MS) throw error;
  }
}
