import type { ChatEvent } from "./event.ts";
import type { RoomLog } from "./history.ts";
import type { RoomMessage } from "./message.ts";

/** Messages that are read at a time: even the longest are small compared with an outbox. */
const BATCH = 64;
/** Reads at a time on one server, however many members ask for what they missed. */
const MAX_READS = 16;

/** Where a client that comes back left off. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** Who is sent what it missed. */
export interface Receiver {
  /** Settles once the receiver can take more. */
  answer(event: ChatEvent): void | Promise<void>;
}

/** Which messages, by `seq`: after the one, up to and including the other as it is by then. */
export interface Range {
  readonly after: number;
  readonly upTo: () => number;
}

/** Sends members what they missed, each as fast as it reads, with a bounded amount in memory for all of them. */
export class CatchUps {
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * Sends a range for as long as `isWanted`. The result is the `seq` that the
   * receiver has come to, and whether what follows is no longer kept.
   */
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

/** What is no longer kept of what a client missed since `position`; live messages go on after `seq`. */
export function unrecovered({ name, log }: { name: string; log: RoomLog }, position: Position, seq: number): ChatEvent {
  const { epoch } = log;
  const reason = position.epoch !== epoch
    ? "the room's history was reset"
    : position.seq > seq
    ? "the room has not come that far"
    : "older messages are no longer kept";
  return { type: "unrecovered", room: name, epoch, seq, reason };
}
