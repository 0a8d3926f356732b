import { concat, utf8 } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import type { Framer } from "../serve/framer.ts";
import type { ChatEvent } from "./event.ts";
import type { Member } from "./member.ts";
import type { Wire } from "./wire.ts";

/** Something told to a room. */
interface Item {
  readonly event: ChatEvent;
  /** Who caused it and is not told of it, because it knows. */
  readonly by: Member | undefined;
}

/** What waits, for one wire and framer. */
interface Frames {
  /** Each item by itself, in order. */
  readonly each: readonly Uint8Array[];
  /** All of them in one piece. */
  readonly all: Uint8Array;
}

/**
 * What is told to a room in one turn. It is encoded once for each wire and
 * framer, and leaves as one piece of bytes that all members share; only who
 * spoke in this turn gets a piece of its own.
 */
export class FanOut {
  #items: Item[] = [];
  readonly #speakers = new Set<Member>();
  readonly #frames = new Map<Wire, Map<Framer, Frames>>();

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Adds an event; `by` is not told of it where it knows: of its joining, and of what it said if it typed it. */
  push(event: ChatEvent, by?: Member): void {
    this.#items.push({ event, by });
    if (by !== undefined) this.#speakers.add(by);
  }

  /** Sends all that waits to the members. */
  sendTo(members: Iterable<Member>): void {
    let wire: Wire | undefined;
    let framer: Framer | undefined;
    let frames: Frames | undefined;
    for (const member of members) {
      const { session } = member;
      if (member.wire !== wire || session.framer !== framer || frames === undefined) {
        wire = member.wire;
        framer = session.framer;
        frames = this.#framesFor(wire, framer);
      }
      const bytes = this.#speakers.has(member) ? this.#ownBytes(member, frames) : frames.all;
      if (bytes.length > 0) session.sendFramed(bytes);
    }
  }

  /** The events that wait, without messages, for a member that is told later. */
  notices(member: Member): ChatEvent[] {
    return this.#items
      .filter(({ event, by }) => event.type !== "message" && by !== member)
      .map(({ event }) => event);
  }

  /** Everyone has been told. */
  clear(): void {
    this.#items = [];
    this.#speakers.clear();
    this.#frames.clear();
  }

  /** Without what the member itself caused and knows. */
  #ownBytes(member: Member, { each }: Frames): Uint8Array {
    return concat(each.filter((_, index) => {
      const item = this.#items[index];
      return item?.by !== member || item.event.type === "message" && member.wire.showsOwn;
    }));
  }

  #framesFor(wire: Wire, framer: Framer): Frames {
    let ofFramer = this.#frames.get(wire);
    if (ofFramer === undefined) this.#frames.set(wire, ofFramer = new Map());
    let frames = ofFramer.get(framer);
    if (frames === undefined) {
      const each = this.#items.map(({ event }) => frameOf(event, wire, framer));
      ofFramer.set(framer, frames = { each, all: concat(each) });
    }
    return frames;
  }
}

const NOTHING = new Uint8Array(0);

function frameOf(event: ChatEvent, wire: Wire, framer: Framer): Uint8Array {
  try {
    const [first, ...more] = wire.encode(event).map((text) => framer.frame(utf8(text), true));
    if (first === undefined) return NOTHING;
    return more.length === 0 ? first : concat([first, ...more]);
  } catch (error) {
    // It cannot be said in the framing that this server was given, such as a delimiter that is in the text.
    if (error instanceof FrameError) return NOTHING;
    throw error;
  }
}
