import type { RoomLog } from "./history.ts";
import type { Member } from "./member.ts";
import type { RoomMessage } from "./message.ts";

/** Messages that are read at a time: as long as each may be, they are little beside an outbox. */
const BATCH = 64;
/** Reads at a time on one server, however many members ask for what they missed. */
const MAX_READS = 16;

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
   * Sends a range for as long as `isWanted`; the result is the first `seq` of
   * it that is no longer kept, if there is one.
   */
  async send(member: Member, log: RoomLog, range: Range, isWanted: () => boolean): Promise<number | undefined> {
    let position = range.after;
    while (isWanted() && position < range.upTo()) {
      const messages = await this.#read(log, position);
      if (!isWanted()) return undefined;
      if (messages === undefined || messages.length === 0) return position + 1;
      for (const message of messages) {
        if (message.seq > range.upTo()) return undefined;
        const reading = member.answer(message);
        position = message.seq;
        if (reading === undefined) continue;
        await reading;
        if (!isWanted()) return undefined;
      }
    }
    return undefined;
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
