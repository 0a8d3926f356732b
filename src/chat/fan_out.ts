import { concat, utf8 } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import type { Framer } from "../session/framer.ts";
import type { ChatEvent } from "./event.ts";
import { dropSlowConsumer, type Member } from "./member.ts";
import type { Wire } from "./wire.ts";

/** Something told to a room. */
export interface Told {
  readonly event: ChatEvent;
  /** Who caused it and is not told of it, because it knows. */
  readonly by: Member | undefined;
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
  #items: Told[] = [];
  /** Which items each member caused, in order. */
  readonly #causedBy = new Map<Member, number[]>();
  readonly #frames = new Map<Wire, Map<Framer, Frames>>();

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Adds an event; `by` is not told of it where it knows: of its joining, and of what it said if it typed it. */
  push(event: ChatEvent, by?: Member): void {
    const index = this.#items.push({ event, by }) - 1;
    if (by === undefined) return;
    const caused = this.#causedBy.get(by);
    if (caused === undefined) this.#causedBy.set(by, [index]);
    else caused.push(index);
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
      const caused = this.#causedBy.get(member);
      const bytes = caused === undefined ? frames.all : this.#without(caused, member.wire, frames);
      if (bytes.length > 0 && !session.sendFramed(bytes)) dropSlowConsumer(session);
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
    this.#causedBy.clear();
    this.#frames.clear();
  }

  /** Without what the member itself caused and knows; it costs no more where a thousand others caused something too. */
  #without(caused: readonly number[], wire: Wire, { all, ends }: Frames): Uint8Array {
    const parts: Uint8Array[] = [];
    let from = 0;
    for (const index of caused) {
      if (wire.showsOwn && this.#items[index]?.event.type === "message") continue;
      parts.push(all.subarray(from, ends[index - 1] ?? 0));
      from = ends[index] ?? from;
    }
    return from === 0 ? all : concat([...parts, all.subarray(from)]);
  }

  #framesFor(wire: Wire, framer: Framer): Frames {
    let ofFramer = this.#frames.get(wire);
    if (ofFramer === undefined) this.#frames.set(wire, ofFramer = new Map());
    let frames = ofFramer.get(framer);
    if (frames === undefined) {
      const each = this.#items.map(({ event }) => frameOf(event, wire, framer));
      let end = 0;
      const ends = each.map(({ length }) => end += length);
      ofFramer.set(framer, frames = { all: concat(each), ends });
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
