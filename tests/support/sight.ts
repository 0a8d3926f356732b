/** What a server reports through `--metrics`. */
export interface Sight {
  open: number;
  accepted: number;
  closedByReason: Record<string, number>;
  connections: { id: number; peer: string; bytesRead: number; messagesRead: number; queuedBytes: number }[];
  recentlyClosed: { id: number; reason: string; error?: string; peer: string; bytesRead: number }[];
}

/** Reads `/connections` next to the URL that `--print-endpoint` prints for `--metrics`. */
export async function sightOf(metricsUrl: string): Promise<Sight> {
  return await (await fetch(new URL("/connections", metricsUrl))).json();
}

/** Polls until the server reports the expected state; throws with the last answer after 20 s. */
export async function untilSight(metricsUrl: string, isReached: (sight: Sight) => boolean): Promise<Sight> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const sight = await sightOf(metricsUrl);
    if (isReached(sight)) return sight;
    if (performance.now() > endMs) {
      throw new Error(`not reached: ${JSON.stringify({ ...sight, recentlyClosed: sight.recentlyClosed.slice(0, 3) })}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
