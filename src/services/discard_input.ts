import type { Session } from "../session/session.ts";

/**
 * Reads and drops what the client sends, until its end or the signal; its own
 * pace is never held back by a receive buffer that nobody empties.
 *
 * @throws {ResetError} The client is gone.
 */
export async function discardInput(session: Session, signal?: AbortSignal): Promise<void> {
  try {
    while (await session.receive(signal && { signal })) {
      // Dropped.
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
