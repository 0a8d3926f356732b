import type { Message, Session } from "../session/session.ts";

/** Queued bytes at which answering waits for the client to read. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Sends the messages back and waits as {@linkcode answerBatch} does. */
export function echoBatch(session: Session, batch: readonly Message[]): Promise<void> {
  return batch.length > 1 && session.sendBack?.(batch) ? session.flush() : answerBatch(session, batch, bodyOf);
}

function bodyOf({ data }: Message): Uint8Array {
  return data;
}

/** Sends one answer for each message and waits until all have left; a client that does not read is waited for. */
export function answerBatch(
  session: Session,
  batch: readonly Message[],
  answer: (message: Message) => Uint8Array,
): Promise<void> {
  const only = batch.length === 1 ? batch[0] : undefined;
  return only ? session.write(answer(only), only.isText) : answerMany(session, batch, answer);
}

async function answerMany(
  session: Session,
  batch: readonly Message[],
  answer: (message: Message) => Uint8Array,
): Promise<void> {
  for (const message of batch) {
    const bytes = answer(message);
    if (!session.send(bytes, message.isText)) await session.write(bytes, message.isText);
    if (session.queuedBytes > HIGH_WATER_BYTES) await session.flush();
  }
  await session.flush();
}

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
