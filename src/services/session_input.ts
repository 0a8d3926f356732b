import type { Message, Session } from "../session/session.ts";

/** Queued bytes at which answering waits for a slow client. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Sends the messages back and waits as {@linkcode answerBatch} does. */
export function echoBatch(session: Session, batch: readonly Message[]): Promise<void> {
  return batch.length > 1 && session.sendBack?.(batch) ? session.flush() : answerBatch(session, batch, bodyOf);
}

function bodyOf({ data }: Message): Uint8Array {
  return data;
}

/** Answers each message, with backpressure from a slow client, and waits until everything is sent. */
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
 * Reads and discards the client's data until its end or the signal, so that a full receive buffer never blocks the
 * client.
 *
 * @throws {ResetError} The client reset the connection.
 */
export async function discardInput(session: Session, signal?: AbortSignal): Promise<void> {
  try {
    while (await session.receive(signal && { signal })) {
      // Discarded.
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
