/**
 * The hub against a model: after any sequence of joins, leaves, reconnections
 * and messages, everyone has been sent each message of its rooms once and in
 * order. A failure prints the sequence and its seed.
 */

import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.11.0";
import { Logger } from "@parley/parley";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import type { Position } from "../../src/chat/catch_up.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { keyOf } from "../../src/chat/names.ts";
import { FakeSession } from "../support/fake_session.ts";

const PEOPLE = ["ann", "bob", "eve"] as const;
const ROOMS = ["#a", "#b"] as const;

const who = fc.constantFrom(...PEOPLE);
const where = fc.constantFrom(...ROOMS);
const step = fc.oneof(
  fc.record({ do: fc.constant("join" as const), who, where }),
  fc.record({ do: fc.constant("part" as const), who, where }),
  { arbitrary: fc.record({ do: fc.constant("say" as const), who, where }), weight: 3 },
  fc.record({ do: fc.constant("reconnect" as const), who, where }),
  fc.record({ do: fc.constant("turn" as const), who, where }),
);

/** Somebody, over as many connections as it had. */
class Person {
  member: Member;
  session: FakeSession;
  /** Messages by room, as they came. */
  readonly received = new Map<string, number[]>();
  /** Messages by room that must have arrived according to the model. */
  readonly expected = new Map<string, number[]>();
  readonly #positions = new Map<string, Position>();
  readonly #hub: Hub;
  readonly #nick: string;

  constructor(hub: Hub, nick: string) {
    this.#hub = hub;
    this.#nick = nick;
    this.session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    this.member = this.#enter();
  }

  #enter(): Member {
    const member = this.#hub.enter(this.session);
    this.#hub.renaming.rename(member, this.#nick);
    return member;
  }

  isIn(room: string): boolean {
    return this.member.rooms.has(keyOf(room));
  }

  /** Reads what has arrived. */
  read(): void {
    for (const line of this.session.take()) {
      const event = JSON.parse(line);
      if (event.type === "joined") this.#positions.set(event.room, { epoch: event.epoch, seq: event.seq });
      if (event.type !== "message") continue;
      list(this.received, event.room).push(event.seq);
      this.#positions.set(event.room, { epoch: event.epoch, seq: event.seq });
    }
  }

  /** Loses its connection, and reconnects with the last message received from each room. */
  async reconnect(): Promise<void> {
    this.read();
    const rooms = ROOMS.filter((room) => this.isIn(room));
    this.#hub.leave(this.member, "connection lost");
    this.session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    this.member = this.#enter();
    for (const room of rooms) {
      const position = this.#positions.get(room);
      // Messages sent before its join was confirmed do not count as missed.
      if (position === undefined) this.expected.delete(room);
      await this.#hub.join(this.member, room, position === undefined ? {} : { position });
    }
  }
}

function list(map: Map<string, number[]>, room: string): number[] {
  const found = map.get(room) ?? [];
  map.set(room, found);
  return found;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("Hub sends everyone each message of its rooms once and in order, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const history = createMemoryHistory({ retention: { maxMessages: 1_000 } });
      await using hub = new Hub({ log: Logger.of("test"), history });
      // Somebody stays in each room, so that its numbers go on.
      const keeper = hub.enter(new FakeSession());
      const last = new Map<string, number>();
      for (const room of ROOMS) await hub.join(keeper, room);
      const people = new Map(PEOPLE.map((nick) => [nick, new Person(hub, nick)]));
      for (const { do: what, who, where } of steps) {
        const person = people.get(who);
        if (person === undefined) continue;
        if (what === "join") await hub.join(person.member, where);
        else if (what === "part" && person.isIn(where)) hub.part(person.member, hub.roomOf(person.member, where));
        else if (what === "say" && person.isIn(where)) {
          hub.say(person.member, hub.roomOf(person.member, where), { text: "x" }, ({ seq }) => {
            last.set(where, seq);
          });
          for (const other of people.values()) {
            if (other.isIn(where)) list(other.expected, where).push(last.get(where) ?? 0);
          }
        } else if (what === "reconnect") await person.reconnect();
        else await turn();
      }
      await turn();
      await turn();
      for (const [nick, person] of people) {
        person.read();
        assertEquals(person.received, person.expected, nick);
        hub.leave(person.member);
      }
      hub.leave(keeper);
    }),
    { numRuns: 60 },
  );
});
