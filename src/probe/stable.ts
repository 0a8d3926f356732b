import { parseDuration } from "../base/units.ts";
import { TimeoutError } from "../base/errors.ts";
import type { ProbeExpectations } from "./probe.ts";

/** Longer than a proxy takes to close a connection when the service behind it is down. */
const STABLE_FOR_MS = 50;

/** How long the connection must stay open, in milliseconds; without a configured time, a banner is proof enough. */
export function stableForMs({ stableFor, banner }: Pick<ProbeExpectations, "stableFor" | "banner">): number {
  return parseDuration(stableFor ?? (banner === undefined ? STABLE_FOR_MS : 0));
}

/** A timer may fire early by this much. */
const TIMER_GRAIN_MS = 2;

/**
 * Waits until the connection has stayed open for a time: a proxy in front of a dead service accepts connections and
 * closes them at once.
 *
 * @param read Reads with a timeout in milliseconds; returns `null` at the end of the stream.
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
    // If the attempt's own deadline came first, the connection was not observed for long enough.
    if (!(error instanceof TimeoutError) || performance.now() < endMs - TIMER_GRAIN_MS) throw error;
  }
}
