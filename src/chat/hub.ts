import { isLoopback } from "../base/ip.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import type { Logger } from "../log/logger.ts";
import { isHostEndpoint } from "../net/endpoint.ts";
import type { Session } from "../serve/session.ts";
import { ChatError } from "./chat_error.ts";
import type { ChatEvent, RoomSummary } from "./event.ts";
import type { History, Receipt } from "./history.ts";
import { Member } from "./member.ts";
import { checkNick, checkRoom, keyOf, LOBBY } from "./names.ts";
import { type Position, Room } from "./room.ts";
import { checkText, cleanText } from "./clean_text.ts";
import type { Wire } from "./wire.ts";
import { jsonWire } from "./wire_json.ts";
import { textWire } from "./wire_text.ts";

/** Rooms that one member may be in. */
const ROOMS_PER_MEMBER = 50;

/** What a {@linkcode Hub} is made of. */
export interface HubOptions {
  readonly log: Logger;
  /** Where messages are kept; the hub disposes of it. */
  readonly history: History;
  /** Lines that everyone sees first. */
  readonly motd?: readonly string[];
  /** Who may log in; where there is one, everyone must. */
  readonly authenticator?: Authenticator | undefined;
}

/** Everyone who is connected, and the rooms they are in. */
export class Hub implements AsyncDisposable {
  readonly log: Logger;
  readonly authenticator: Authenticator | undefined;
  readonly motd: readonly string[];
  readonly #history: History;
  readonly #members = new Map<string, Member>();
  readonly #rooms = new Map<string, Room>();
  readonly #opening = new Map<string, Promise<Room>>();
  #guests = 0;
  #isEnding = false;

  /** No one is there at first. */
  constructor(options: HubOptions) {
    this.log = options.log;
    this.#history = options.history;
    this.motd = options.motd ?? [];
    this.authenticator = options.authenticator;
  }

  /** How many are connected. */
  get memberCount(): number {
    return this.#members.size;
  }

  /** The rooms that someone is in, for a list. */
  summaries(): RoomSummary[] {
    return Array.from(this.#rooms.values(), ({ name, size, topic }) => ({ room: name, members: size, topic }));
  }

  /** Lets a client in under a guest's name and greets it. */
  enter(session: Session): Member {
    const isJson = session.kind === "websocket" && session.subprotocol === JSON_SUBPROTOCOL;
    const host = isHostEndpoint(session.remote) ? session.remote.host : undefined;
    const member = new Member(session, {
      wire: isJson ? jsonWire : textWire,
      nick: this.#guestNick(),
      address: host === undefined || isLoopback(host) ? undefined : host,
      isAdmitted: this.authenticator === undefined,
    });
    this.#members.set(member.key, member);
    this.greet(member);
    return member;
  }

  /** The first thing that a client is told. */
  greet(member: Member): void {
    member.tell({ type: "welcome", nick: member.nick, motd: this.motd, loginRequired: !member.isAdmitted });
  }

  /** A member has proved who it is: it takes that name, and need not log in any more. */
  admit(member: Member, name: string): void {
    let nick = checkNick(name);
    for (let count = 2; this.#members.has(keyOf(nick)); count++) nick = `${name}_${count}`;
    this.#members.delete(member.key);
    member.nick = nick;
    member.isAdmitted = true;
    this.#members.set(member.key, member);
    this.greet(member);
  }

  /** From now on the member is spoken to on the other wire, in the rooms where it is. */
  setWire(member: Member, wire: Wire): void {
    for (const room of member.rooms.values()) room.restart(member);
    member.wire = wire;
    this.greet(member);
    for (const room of member.rooms.values()) void room.resume(member, undefined);
  }

  /** The client is gone: it leaves every room, and its name is free. */
  leave(member: Member, reason?: string): void {
    if (member.isGone) return;
    member.isGone = true;
    this.#members.delete(member.key);
    for (const room of member.rooms.values()) {
      room.remove(member, reason, this.#isEnding);
      this.#closeIfEmpty(room);
    }
    member.rooms.clear();
    member.current = undefined;
  }

  /** The member of a name, if one is here. */
  findMember(nick: string): Member | undefined {
    const member = this.#members.get(keyOf(nick));
    return member?.isAdmitted ? member : undefined;
  }

  /**
   * The member of a name.
   *
   * @throws {ChatError} There is none.
   */
  memberNamed(nick: string): Member {
    const member = this.findMember(nick);
    if (member === undefined) {
      throw new ChatError("no-such-nick", `Nobody here is called ${cleanText(nick).slice(0, 64)}`, { field: "nick" });
    }
    return member;
  }

  /**
   * Gives a member another name, and tells everyone who shares a room with it.
   *
   * @throws {ChatError} The name is none, or taken.
   */
  rename(member: Member, nick: string): void {
    const from = member.nick;
    if (this.authenticator !== undefined) {
      throw new ChatError("bad-nick", `You are logged in as ${from}: that is your name`);
    }
    const holder = this.#members.get(keyOf(checkNick(nick)));
    if (holder !== undefined && holder !== member) {
      throw new ChatError("nick-taken", `The name ${holder.nick} is taken`, { field: "nick" });
    }
    if (nick === from) return;
    for (const room of member.rooms.values()) room.checkNotMuted(member, "change your name");
    this.#members.delete(member.key);
    member.nick = nick;
    this.#members.set(member.key, member);
    const event: ChatEvent = { type: "nick", from, to: nick };
    member.tell(event);
    const [room, ...more] = member.rooms.values();
    // With one room, which is the rule, the room tells it as it tells all else.
    if (room !== undefined && more.length === 0) return room.tell(event, member);
    const audience = new Set<Member>();
    for (const room of member.rooms.values()) {
      room.flush();
      for (const other of room.members) audience.add(other);
    }
    audience.delete(member);
    for (const other of audience) other.tell(event);
  }

  /**
   * Puts a member into a room, which becomes its current one. With a position
   * it is sent exactly what it missed since.
   *
   * @throws {ChatError} It may not, or the name is none.
   */
  async join(member: Member, name: string, options: { position?: Position; id?: string } = {}): Promise<void> {
    const room = await this.#roomNamed(checkRoom(name));
    try {
      if (member.isGone) return;
      const { position, id } = options;
      if (room.has(member)) {
        member.current = room;
        return await room.resume(member, position, id);
      }
      if (member.rooms.size >= ROOMS_PER_MEMBER) {
        throw new ChatError("too-many-rooms", `You are in ${ROOMS_PER_MEMBER} rooms: leave one first`);
      }
      room.checkNotBanned(member);
      // Where people log in, the operators of the room that all share are named.
      if (room.size === 0 && (this.authenticator === undefined || room.key !== LOBBY)) room.operators.add(member);
      member.rooms.set(room.key, room);
      member.current = room;
      await room.join(member, position, id).catch((error: unknown) => {
        // The history failed half-way: who is told of an error must not be in the room.
        this.part(member, room);
        throw error;
      });
    } finally {
      this.#closeIfEmpty(room);
    }
  }

  /** Who cannot be shown what it missed is not left in the room without it. */
  async #joinOrPart(member: Member, room: Room, position?: Position, id?: string): Promise<void> {
    try {
      await room.join(member, position, id);
    } catch (error) {
      if (!member.isGone && room.has(member)) this.part(member, room);
      throw error;
    }
  }

  /** Takes a member out of a room; its current one is then the one it joined last. */
  part(member: Member, room: Room, reason?: string): void {
    room.remove(member, reason);
    member.rooms.delete(room.key);
    if (member.current === room) member.current = [...member.rooms.values()].at(-1);
    this.#closeIfEmpty(room);
  }

  /**
   * The room of that name that the member is in; its current one for no name.
   *
   * @throws {ChatError} It is not in it.
   */
  roomOf(member: Member, name?: string): Room {
    const room = name === undefined ? member.current : member.rooms.get(keyOf(checkRoom(name)));
    if (room !== undefined) return room;
    throw new ChatError(
      "not-in-room",
      name === undefined ? `You are in no room: join one, as in /join ${LOBBY}` : `You are not in ${checkRoom(name)}`,
      { field: "room" },
    );
  }

  /**
   * Says something in a room; with an `onStored` it is called once that is stored.
   *
   * @throws {ChatError} The member may not speak there, or there is nothing to say.
   */
  say(
    member: Member,
    room: Room,
    what: { text: string; action?: true | undefined; id?: string | undefined },
    onStored?: (receipt: Receipt) => void,
  ): void {
    const text = checkText(what.text);
    room.checkNotMuted(member, "speak");
    room.publish(member, { from: member.nick, ...what, text }, (outcome) => {
      if (!(outcome instanceof ChatError)) return onStored?.(outcome);
      const { code, message, field } = outcome;
      member.tell({ type: "error", code, text: message, field, id: what.id });
    });
  }

  /**
   * Says something to one person.
   *
   * @throws {ChatError} There is no one of that name.
   */
  sayPrivately(member: Member, to: string, text: string, id?: string): void {
    const receiver = this.memberNamed(to);
    const event: ChatEvent = {
      type: "private",
      from: member.nick,
      to: receiver.nick,
      text: checkText(text),
      at: new Date().toISOString(),
    };
    receiver.tell(event);
    if (receiver !== member) member.tell({ ...event, id });
  }

  /**
   * Tells everyone.
   *
   * @throws {ChatError} The member is no operator of the server, or there is nothing to tell.
   */
  announce(member: Member, text: string): void {
    if (!member.isServerOperator) throw new ChatError("not-operator", "Only an operator of the server may do that");
    this.#tellAll({ type: "notice", text: checkText(text), from: member.nick });
  }

  /** The server is ending: everyone is told, and nobody is told who leaves. */
  drain(): void {
    this.#tellAll({ type: "bye", reason: "the server is ending" });
    this.#isEnding = true;
  }

  /** Puts away the history. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#history[Symbol.asyncDispose]();
  }

  #tellAll(event: ChatEvent): void {
    for (const room of this.#rooms.values()) room.flush();
    for (const member of this.#members.values()) {
      if (member.isAdmitted || event.type === "bye") member.tell(event);
    }
  }

  #guestNick(): string {
    for (;;) {
      const nick = `guest${++this.#guests}`;
      if (!this.#members.has(nick)) return nick;
    }
  }

  async #roomNamed(name: string): Promise<Room> {
    const key = keyOf(name);
    for (;;) {
      const room = this.#rooms.get(key);
      if (room !== undefined) return room;
      let opening = this.#opening.get(key);
      if (opening === undefined) {
        opening = this.#openRoom(name).finally(() => this.#opening.delete(key));
        this.#opening.set(key, opening);
      }
      const opened = await opening;
      // Whoever waited with us may have left it again, which closes it.
      if (this.#rooms.get(key) === opened) return opened;
    }
  }

  async #openRoom(name: string): Promise<Room> {
    const room = new Room(name);
    room.open(await this.#history.open(name, (message, isForeign) => room.onMessage(message, isForeign)));
    this.#rooms.set(room.key, room);
    return room;
  }

  #closeIfEmpty(room: Room): void {
    if (room.size > 0 || this.#rooms.get(room.key) !== room) return;
    this.#rooms.delete(room.key);
    room.close();
  }
}

/** The WebSocket subprotocol of the JSON wire. */
export const JSON_SUBPROTOCOL = "parley.v1";
