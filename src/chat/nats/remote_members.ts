import type { Remote } from "../directory.ts";
import type { ChatEvent, Person, RoomSummary } from "../event.ts";
import { exactly } from "../directory_local.ts";
import { nickKey } from "../nick_key.ts";
import type { Liveness } from "./liveness.ts";
import type { Presence, PresenceRecord } from "./presence_record.ts";

/** An event about a member on another server, for everyone in one of the rooms. */
type OnNews = (roomKeys: Iterable<string>, event: ChatEvent) => void;

/** Callbacks of {@linkcode RemoteMembers}. */
interface RemoteMemberEvents {
  onNews: OnNews;
  /** An operator with a claim has disconnected, or its server is offline. */
  onClaimLeft(claim: string, roomKeys: readonly string[]): void;
  /** A member with a claim is in these rooms. */
  onClaimUsed(claim: string, roomKeys: readonly string[]): void;
}

/** An entry of the bucket. */
interface Entry {
  readonly revision: number;
  readonly person: PresenceRecord;
  /** It was read before the bucket was lost, and not again since. */
  readonly isOld: boolean;
}

/** A record left over from its server. */
interface Leftover {
  readonly key: string;
  readonly revision: number;
  readonly id: string;
}

/** The members on other servers, and events about them. */
export class RemoteMembers {
  readonly #liveness: Liveness;
  readonly #events: RemoteMemberEvents;
  readonly #records = new Map<string, Entry>();
  /** Members of online servers by connection ID. */
  readonly #people = new Map<string, PresenceRecord>();
  readonly #byName = new Map<string, PresenceRecord>();
  readonly #byRoom = new Map<string, Map<string, Person>>();
  /** Names of the rooms as first seen. */
  readonly #roomNames = new Map<string, string>();

  constructor(liveness: Liveness, events: RemoteMemberEvents) {
    this.#liveness = liveness;
    this.#events = events;
  }

  /** Finds a member by name. */
  find(nick: string): Remote | undefined {
    return exactly(nick, this.#byName.get(nickKey(nick)));
  }

  /** Whether a name, or one that looks like it, is taken. */
  has(nick: string): boolean {
    return this.#byName.has(nickKey(nick));
  }

  /** Members of a room. */
  inRoom(roomKey: string): Person[] {
    return [...this.#byRoom.get(roomKey)?.values() ?? []];
  }

  /** Whether the claim belongs to an operator of a room. */
  hasClaim(claim: string, roomKey: string): boolean {
    return Array.from(this.#byRoom.get(roomKey) ?? []).some(([id, { operator }]) => {
      const person = operator ? this.#people.get(id) : undefined;
      return person?.claim === claim && person.claimedRooms.includes(roomKey);
    });
  }

  /** Whether a room has members. */
  isIn(roomKey: string): boolean {
    return this.#byRoom.has(roomKey);
  }

  /** Non-empty rooms without their topics. */
  rooms(): RoomSummary[] {
    return Array.from(this.#byRoom, ([key, people]) => ({
      room: this.#roomNames.get(key) ?? key,
      members: people.size,
      topic: "",
    }));
  }

  /** Updates an entry; `undefined` if it is one of this server's. */
  onEntry(key: string, revision: number, presence: Presence | undefined): void {
    const before = this.#records.get(key);
    this.#records.delete(key);
    const next = presence !== undefined && "person" in presence ? presence.person : undefined;
    if (next !== undefined) this.#records.set(key, { revision, person: next, isOld: false });
    // A renamed member is already registered under the new name.
    const wasHere = before !== undefined && before.person.id !== next?.id &&
      this.#people.get(before.person.id)?.nick === before.person.nick;
    if (wasHere) {
      const why = presence !== undefined && "tombstone" in presence ? presence.tombstone.why : undefined;
      this.#vanish(before.person.id, why);
    }
    if (next !== undefined && !this.#liveness.isGone(next.server)) this.#appear(next);
  }

  /** Removes an offline server; returns the number of its members. */
  hide(server: string, why: string): number {
    const people = [...this.#people.values()].filter((person) => person.server === server);
    for (const { id } of people) this.#vanish(id, why);
    return people.length;
  }

  /** A server that was considered offline is back online, with its members. */
  show(server: string): void {
    for (const { person } of [...this.#records.values()]) if (person.server === server) this.#appear(person);
  }

  /** Records left over from a failed server, at most `max`. */
  leftovers(server: string, max: number): Leftover[] {
    const found: Leftover[] = [];
    for (const [key, { revision, person }] of this.#records) {
      if (person.server !== server) continue;
      found.push({ key, revision, id: person.id });
      if (found.length >= max) break;
    }
    return found;
  }

  /** The bucket was lost; connected members will be written again. */
  expectAnew(): void {
    for (const [key, record] of this.#records) this.#records.set(key, { ...record, isOld: true });
  }

  /** Removes members that were not written again. */
  dropOld(why: string): void {
    for (const [key, { isOld, person }] of [...this.#records]) {
      if (!isOld) continue;
      this.#records.delete(key);
      if (this.#people.get(person.id)?.nick === person.nick) this.#vanish(person.id, why);
    }
  }

  #appear(person: PresenceRecord): void {
    const before = this.#people.get(person.id);
    if (before !== undefined) this.#forgetPlaces(before, person.rooms);
    this.#people.set(person.id, person);
    if (person.claim !== undefined) this.#events.onClaimUsed(person.claim, [...person.rooms.keys()]);
    this.#byName.set(nickKey(person.nick), person);
    for (const [key, { name, isOperator }] of person.rooms) {
      const people = this.#byRoom.get(key) ?? new Map<string, Person>();
      this.#byRoom.set(key, people.set(person.id, { nick: person.nick, operator: isOperator }));
      if (!this.#roomNames.has(key)) this.#roomNames.set(key, name);
    }
    if (before !== undefined && before.nick !== person.nick) {
      this.#events.onNews(before.rooms.keys(), { type: "nick", from: before.nick, to: person.nick });
    }
    for (const [key, { name }] of before?.rooms ?? []) {
      if (person.rooms.has(key)) continue;
      this.#events.onNews([key], { type: "leave", room: name, nick: person.nick, reason: person.why[key] });
    }
    for (const [key, { name }] of person.rooms) {
      if (!before?.rooms.has(key)) this.#events.onNews([key], { type: "join", room: name, nick: person.nick });
    }
  }

  #vanish(id: string, why: string | undefined): void {
    const person = this.#people.get(id);
    if (person === undefined) return;
    this.#people.delete(id);
    this.#forgetPlaces(person);
    if (person.claim !== undefined) this.#events.onClaimLeft(person.claim, person.claimedRooms);
    for (const [key, { name }] of person.rooms) {
      this.#events.onNews([key], { type: "leave", room: name, nick: person.nick, reason: why });
    }
  }

  /** Members that stay in a room keep their position in its list. */
  #forgetPlaces(person: PresenceRecord, kept?: PresenceRecord["rooms"]): void {
    const key = nickKey(person.nick);
    if (this.#byName.get(key)?.id === person.id) this.#byName.delete(key);
    for (const key of person.rooms.keys()) {
      if (kept?.has(key)) continue;
      const people = this.#byRoom.get(key);
      people?.delete(person.id);
      if (people?.size !== 0) continue;
      this.#byRoom.delete(key);
      this.#roomNames.delete(key);
    }
  }
}
