import { ByteBuilder } from "../base/byte_builder.ts";
import { concat } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import type { Framer } from "../session/framer.ts";
import type { ChatEvent } from "./event.ts";
import { dropSlowConsumer, type Participant } from "./participant.ts";
import type { EventFormat } from "./event_format.ts";

/** An event for a room. */
export interface RoomEvent {
  readonly event: ChatEvent;
  /** Who caused it and does not receive it. */
  readonly by: Participant | undefined;
}

/** The queued items for one format and framer. */
interface Frames {
  /** All items in one array. */
  readonly all: Uint8Array;
  /** End offset of each item. */
  readonly ends: readonly number[];
}

/**
 * Collects what a room sends in one turn of the event loop. It is encoded once per format and framer, and all members
 * share the bytes; only members that caused an item get their own.
 */
export class FanOut {
  #items: RoomEvent[] = [];
  /** Number of leading join and leave events. */
  #presence = 0;
  /** The items that each member caused, in order. */
  readonly #causedBy = new Map<Participant, number[]>();
  readonly #frames = new Map<EventFormat, Map<Framer, Frames>>();

  /** Whether the queue is empty. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Adds an event; `by` does not receive it if it already knows: its own joining, and its own text lines. */
  push(event: ChatEvent, by?: Participant): void {
    if (this.#presence === this.#items.length && PRESENCE.has(event.type)) this.#presence++;
    const index = this.#items.push({ event, by }) - 1;
    if (by === undefined) return;
    const caused = this.#causedBy.get(by);
    if (caused === undefined) this.#causedBy.set(by, [index]);
    else caused.push(index);
  }

  /** Sends the queue to the members. */
  sendTo(members: Iterable<Participant>): void {
    let format: EventFormat | undefined;
    let framer: Framer | undefined;
    let frames: Frames | undefined;
    for (const member of members) {
      const { session } = member;
      if (member.format !== format || session.framer !== framer || frames === undefined) {
        format = member.format;
        framer = session.framer;
        frames = this.#framesFor(format, framer);
      }
      const caused = this.#causedBy.get(member);
      const bytes = caused === undefined ? frames.all : this.#without(caused, member.format, frames);
      if (bytes.length > 0 && !session.sendFramed(bytes)) dropSlowConsumer(session);
    }
  }

  /** The queued events without messages, for a member that receives them later. */
  notices(member: Participant): ChatEvent[] {
    return this.#items.slice(this.#knownTo(this.#causedBy.get(member)))
      .filter(({ event, by }) => event.type !== "message" && by !== member)
      .map(({ event }) => event);
  }

  clear(): void {
    this.#items = [];
    this.#presence = 0;
    this.#causedBy.clear();
    this.#frames.clear();
  }

  /**
   * How many leading items a member already knows: earlier joins are in the member list that it received. Messages are
   * not.
   */
  #knownTo([first = -1]: readonly number[] = []): number {
    return first < this.#presence && this.#items[first]?.event.type === "join" ? first + 1 : 0;
  }

  /** Omits items that the member caused or knows; newcomers in a crowd share the bytes. */
  #without(caused: readonly number[], format: EventFormat, { all, ends }: Frames): Uint8Array {
    const parts: Uint8Array[] = [];
    const known = this.#knownTo(caused);
    let from = ends[known - 1] ?? 0;
    for (const index of caused) {
      if (index < known || format.showsOwn && this.#items[index]?.event.type === "message") continue;
      const end = ends[index - 1] ?? 0;
      if (end > from) parts.push(all.subarray(from, end));
      from = ends[index] ?? from;
    }
    const last = from === 0 ? all : all.subarray(from);
    return parts.length === 0 ? last : concat([...parts, last]);
  }

  #framesFor(format: EventFormat, framer: Framer): Frames {
    let ofFramer = this.#frames.get(format);
    if (ofFramer === undefined) this.#frames.set(format, ofFramer = new Map());
    let frames = ofFramer.get(framer);
    if (frames === undefined) {
      const encoded = this.#items.map(({ event }) => format.encode(event));
      const builder = new ByteBuilder();
      builder.expect(encoded.reduce((bytes, texts) => bytes + framedLength(texts), 0));
      const ends = encoded.map((texts) => {
        appendEvent(texts, framer, builder);
        return builder.length;
      });
      ofFramer.set(framer, frames = { all: builder.take(), ends });
    }
    return frames;
  }
}

/** Bytes reserved for the framing of a text: the largest header of a WebSocket message from a server. */
const FRAMING_BYTES = 10;

/** The expected size of framed texts; only non-ASCII text needs more. */
function framedLength(texts: readonly string[]): number {
  let bytes = 0;
  for (const { length } of texts) bytes += length + FRAMING_BYTES;
  return bytes;
}

/** Appends the texts of one event, or none of them. */
function appendEvent(texts: readonly string[], framer: Framer, builder: ByteBuilder): void {
  const start = builder.length;
  try {
    for (const text of texts) framer.append(text, true, builder);
  } catch (error) {
    // Not encodable in the framing of this server: the text contains the delimiter, for example.
    if (!(error instanceof FrameError)) throw error;
    builder.truncate(start);
  }
}

/** Number of members from which join and leave events are batched a few times per second. */
const CROWD = 50;
/** Interval between batches per thousand members. */
const PERIOD_MS = 200;
const MAX_PERIOD_MS = 1_000;
const PRESENCE: ReadonlySet<ChatEvent["type"]> = new Set(["join", "leave", "nick"]);

/**
 * Batches join and leave events of a crowd: otherwise a thousand members joining at once would cause a million writes.
 */
export class PresenceQueue {
  readonly #send: (events: readonly RoomEvent[]) => void;
  readonly #waiting: RoomEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Members at the last event. */
  #size = 0;

  /** `send` receives the queued events in order. */
  constructor(send: (events: readonly RoomEvent[]) => void) {
    this.#send = send;
  }

  /** Queues an event if a crowd of that size need not receive it immediately; otherwise `false`. */
  take(event: RoomEvent, size: number): boolean {
    // Later events must not overtake a queued one, even if the crowd has become small.
    if (!PRESENCE.has(event.event.type) || size <= CROWD && this.#waiting.length === 0) return false;
    this.#waiting.push(event);
    this.#size = size;
    if (this.#timer === undefined) this.#wait(0);
    return true;
  }

  /** A crowd that has grown meanwhile waits as long as its size now requires: each batch goes to all of it. */
  #wait(waitedMs: number): void {
    const delayMs = Math.min(MAX_PERIOD_MS, PERIOD_MS * Math.ceil(this.#size / 1_000));
    if (delayMs <= waitedMs && waitedMs > 0) return this.flush();
    this.#timer = setTimeout(() => this.#wait(delayMs), delayMs - waitedMs);
  }

  /** Sends the queue. */
  flush(): void {
    this.close();
    this.#send(this.#waiting.splice(0));
  }

  /** Drops the queue when no member is left. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
