import { concat, utf8 } from "../base/bytes.ts";
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

/**
 * What is told to a room in one turn. It is encoded once for each wire and
 * framer, and leaves as one piece of bytes that all members share; only who
 * spoke in this turn gets a piece of its own.
 */
export class FanOut {
  #items: Item[] = [];
  readonly #speakers = new Set<Member>();
  readonly #shared = new Map<Wire, Map<Framer, Uint8Array>>();

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
    let bytes: Uint8Array | undefined;
    for (const member of members) {
      if (this.#speakers.has(member)) {
        this.#sendOwn(member);
        continue;
      }
      const { session } = member;
      if (member.wire !== wire || session.framer !== framer || bytes === undefined) {
        wire = member.wire;
        framer = session.framer;
        bytes = this.#sharedBytes(wire, framer);
      }
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
    this.#shared.clear();
  }

  #sendOwn(member: Member): void {
    for (const { event, by } of this.#items) {
      if (by === member && (event.type !== "message" || !member.wire.showsOwn)) continue;
      member.tell(event);
    }
  }

  #sharedBytes(wire: Wire, framer: Framer): Uint8Array {
    let ofFramer = this.#shared.get(wire);
    if (ofFramer === undefined) this.#shared.set(wire, ofFramer = new Map());
    let bytes = ofFramer.get(framer);
    if (bytes === undefined) {
      const texts = this.#items.flatMap(({ event }) => wire.encode(event));
      ofFramer.set(framer, bytes = concat(texts.map((text) => framer.frame(utf8(text), true))));
    }
    return bytes;
  }
}
