import { concat, utf8 } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import type { Framer } from "../session/framer.ts";
import type { ChatEvent } from "./event.ts";
import { dropSlowConsumer, type Participant } from "./participant.ts";
import type { EventFormat } from "./event_format.ts";

/** Something told to a room. */
export interface RoomEvent {
  readonly event: ChatEvent;
  /** Who caused it and is not told of it, because it knows. */
  readonly by: Participant | undefined;
}

/** What waits, for one wire and framer. */
interface Frames {
  /** All items in one piece. */
  readonly all: Uint8Array;
  /** Where each item ends in it. */
  readonly ends: readonly number[];
}

/**
 * What is told to a room in one turn. It is encoded once for each wire and
 * framer, and leaves as one piece of bytes that all members share; only who
 * spoke in this turn gets a piece of its own.
 */
export class FanOut {
  #items: RoomEvent[] = [];
  /** Which items each member caused, in order. */
  readonly #causedBy = new Map<Participant, number[]>();
  readonly #frames = new Map<EventFormat, Map<Framer, Frames>>();

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Adds an event; `by` is not told of it where it knows: of its joining, and of what it said if it typed it. */
  push(event: ChatEvent, by?: Participant): void {
    const index = this.#items.push({ event, by }) - 1;
    if (by === undefined) return;
    const caused = this.#causedBy.get(by);
    if (caused === undefined) this.#causedBy.set(by, [index]);
    else caused.push(index);
  }

  /** Sends all that waits to the members. */
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

  /** The events that wait, without messages, for a member that is told later. */
  notices(member: Participant): ChatEvent[] {
    return this.#items
      .filter(({ event, by }) => event.type !== "message" && by !== member)
      .map(({ event }) => event);
  }

  /** Everyone has been told. */
  clear(): void {
    this.#items = [];
    this.#causedBy.clear();
    this.#frames.clear();
  }

  /** Without what the member itself caused and knows; it costs no more where a thousand others caused something too. */
  #without(caused: readonly number[], format: EventFormat, { all, ends }: Frames): Uint8Array {
    const parts: Uint8Array[] = [];
    let from = 0;
    for (const index of caused) {
      if (format.showsOwn && this.#items[index]?.event.type === "message") continue;
      parts.push(all.subarray(from, ends[index - 1] ?? 0));
      from = ends[index] ?? from;
    }
    return from === 0 ? all : concat([...parts, all.subarray(from)]);
  }

  #framesFor(format: EventFormat, framer: Framer): Frames {
    let ofFramer = this.#frames.get(format);
    if (ofFramer === undefined) this.#frames.set(format, ofFramer = new Map());
    let frames = ofFramer.get(framer);
    if (frames === undefined) {
      const each = this.#items.map(({ event }) => frameOf(event, format, framer));
      let end = 0;
      const ends = each.map(({ length }) => end += length);
      ofFramer.set(framer, frames = { all: concat(each), ends });
    }
    return frames;
  }
}

const NOTHING = new Uint8Array(0);

function frameOf(event: ChatEvent, format: EventFormat, framer: Framer): Uint8Array {
  try {
    const [first, ...more] = format.encode(event).map((text) => framer.frame(utf8(text), true));
    if (first === undefined) return NOTHING;
    return more.length === 0 ? first : concat([first, ...more]);
  } catch (error) {
    // It cannot be said in the framing that this server was given, such as a delimiter that is in the text.
    if (error instanceof FrameError) return NOTHING;
    throw error;
  }
}

/** Members from which on comings and goings are told a few times a second, many at once. */
const CROWD = 100;
const PERIOD_MS = 200;
const PRESENCE: ReadonlySet<ChatEvent["type"]> = new Set(["join", "leave", "nick"]);

/**
 * The comings and goings of a crowd. A thousand members who come at once would
 * be told a million times: they are told in turns, many at once.
 */
export class PresenceQueue {
  readonly #tell: (news: RoomEvent) => void;
  readonly #waiting: RoomEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` is called with each of them, in order. */
  constructor(tell: (news: RoomEvent) => void) {
    this.#tell = tell;
  }

  /** Takes an event that a crowd of that size need not receive at once; `false` if it must. */
  take(news: RoomEvent, size: number): boolean {
    // What follows an event that waits must not overtake it, however few are left.
    if (!PRESENCE.has(news.event.type) || size <= CROWD && this.#waiting.length === 0) return false;
    this.#waiting.push(news);
    this.#timer ??= setTimeout(() => this.flush(), PERIOD_MS);
    return true;
  }

  /** Passes on what waits. */
  flush(): void {
    this.close();
    for (const news of this.#waiting.splice(0)) this.#tell(news);
  }

  /** Nobody is there to be told. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
