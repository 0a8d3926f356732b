import type { ChatEvent } from "./event.ts";
import type { RoomLog } from "./history.ts";
import type { RoomMessage } from "./message.ts";

/** Messages per read; even the longest are small compared with an outbox. */
const BATCH = 64;
/** Maximum concurrent reads on a server, however many members catch up. */
const MAX_READS = 16;

/** The last position of a returning client. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** The receiver of missed messages. */
interface Receiver {
  /** Settles once the receiver can take more. */
  answer(event: ChatEvent): void | Promise<void>;
}

/** The range of messages by `seq`: exclusive start, inclusive end; the end may move. */
interface Range {
  readonly after: number;
  readonly upTo: () => number;
}

/** Sends missed messages to members at the pace at which they read, with bounded memory for all of them. */
export class CatchUps {
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  /** Sends a range while `isWanted`. Returns the last `seq` sent, and whether later messages are no longer kept. */
  async send(
    receiver: Receiver,
    log: RoomLog,
    range: Range,
    isWanted: () => boolean,
  ): Promise<{ reached: number; isLost: boolean }> {
    let reached = range.after;
    while (isWanted() && reached < range.upTo()) {
      const messages = await this.#read(log, reached);
      if (messages === undefined || messages.length === 0) return { reached, isLost: isWanted() };
      for (const message of messages) {
        if (!isWanted() || message.seq > range.upTo()) return { reached: range.upTo(), isLost: false };
        const reading = receiver.answer(message);
        reached = message.seq;
        if (reading !== undefined) await reading;
      }
    }
    return { reached, isLost: false };
  }

  async #read(log: RoomLog, after: number): Promise<readonly RoomMessage[] | undefined> {
    while (this.#reading >= MAX_READS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reading++;
    try {
      return await log.after(after, BATCH);
    } finally {
      this.#reading--;
      this.#waiting.shift()?.();
    }
  }
}

/** Which missed messages since `position` are no longer kept; live messages continue after `seq`. */
export function unrecovered({ name, log }: { name: string; log: RoomLog }, position: Position, seq: number): ChatEvent {
  const { epoch } = log;
  const reason = position.epoch !== epoch
    ? "the room's history was reset"
    : position.seq > seq
    ? "the position is ahead of the room"
    : "older messages are no longer kept";
  return { type: "unrecovered", room: name, epoch, seq, reason };
}
