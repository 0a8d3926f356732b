import { isLoopback } from "../base/ip.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import type { Logger } from "../log/logger.ts";
import { isHostEndpoint } from "../net/endpoint.ts";
import type { Session } from "../session/session.ts";
import { CatchUps, type Position } from "./catch_up.ts";
import { ChatError } from "./chat_error.ts";
import type { ModerationDecision } from "./decision.ts";
import type { Directory, Remote } from "./directory.ts";
import { LocalDirectory } from "./directory_local.ts";
import type { ChatEvent, Page, Person, RoomSummary } from "./event.ts";
import { type History, MAX_ROOMS, type Receipt } from "./history.ts";
import { claimedRooms, Member } from "./member.ts";
import type { Participant } from "./participant.ts";
import { checkNick, checkRoom, keyOf, LOBBY } from "./names.ts";
import { OpenRooms } from "./open_rooms.ts";
import { OperatorClaims } from "./operator_claims.ts";
import { pageOfRooms } from "./paging.ts";
import { Renaming } from "./renaming.ts";
import type { Room, RoomHost } from "./room.ts";
import { checkText, cleanText } from "./clean_text.ts";
import { ServerBans } from "./server_bans.ts";
import type { EventFormat } from "./event_format.ts";
import { JSON_SUBPROTOCOL, jsonFormat, textFormat } from "./event_format.ts";

/** Rooms that one member may be in. */
export const ROOMS_PER_MEMBER = 50;

/** What a {@linkcode Hub} is made of. */
export interface HubOptions {
  readonly log: Logger;
  /** Where messages are kept; the hub disposes of it. */
  readonly history: History;
  /**
   * Who is connected; the hub disposes of it.
   *
   * @default {one for this server alone}
   */
  readonly directory?: Directory;
  /**
   * Maximum rooms that someone on this server is in.
   *
   * @default {10_000}
   */
  readonly maxRooms?: number | undefined;
  /** Lines that everyone sees first. */
  readonly motd?: readonly string[];
  /** Who may log in; where there is one, everyone must. */
  readonly authenticator?: Authenticator | undefined;
}

/** Everyone who is connected, and the rooms they are in. */
export class Hub implements RoomHost, AsyncDisposable {
  readonly log: Logger;
  readonly authenticator: Authenticator | undefined;
  readonly motd: readonly string[];
  readonly renaming: Renaming;
  readonly catchUps = new CatchUps();
  readonly #history: History;
  /** Who is kept out of the whole server. */
  readonly serverBans: ServerBans;
  readonly #directory: Directory;
  readonly #rooms: OpenRooms;
  readonly #claims = new OperatorClaims();
  #isEnding = false;

  constructor(options: HubOptions) {
    this.log = options.log;
    this.#history = options.history;
    this.serverBans = new ServerBans(options.history, (decision) => this.#onServerDecision(decision));
    this.#rooms = new OpenRooms(options.history, this, options.maxRooms ?? MAX_ROOMS);
    this.#directory = options.directory ?? new LocalDirectory();
    this.motd = options.motd ?? [];
    this.authenticator = options.authenticator;
    this.renaming = new Renaming({
      log: this.log,
      directory: this.#directory,
      serverBans: this.serverBans,
      areFixed: options.authenticator !== undefined,
      tellRooms: (roomKeys, event, by) => this.#tellRooms(roomKeys, event, by),
    });
    this.#directory.watch({
      onNews: (roomKeys, event) => this.#tellRooms(roomKeys, event),
      onAnnouncement: (event) => this.#tellAll(event),
      onNameLost: (member) => void this.renaming.renameAgain(member),
      onClaimLeft: (claim, roomKeys) => this.#claims.keep(claim, roomKeys),
      onClaimUsed: (claim, roomKeys) => roomKeys.forEach((room) => this.#claims.take(claim, room)),
    });
  }

  /** Reads who is banned from the server; no client is admitted before. */
  async start(): Promise<void> {
    await this.serverBans.open();
  }

  /** How many are connected to this server. */
  get memberCount(): number {
    return this.#directory.size;
  }

  /** Why nothing can be stored now; `undefined` where it can. */
  get fault(): string | undefined {
    return this.#history.fault;
  }

  /**
   * Rooms that someone is in, the fullest first: at most `max` of them, from
   * the beginning or `after` what an earlier page gave as next.
   *
   * @throws {ChatError} The cursor is none.
   */
  rooms(max: number, after?: string): { rooms: RoomSummary[] } & Page {
    return pageOfRooms(this.#summaries(), max, after);
  }

  #summaries(): RoomSummary[] {
    const elsewhere = new Map(this.#directory.roomsElsewhere().map((summary) => [keyOf(summary.room), summary]));
    const here = Array.from(this.#rooms.all, ({ key, name, size, topic }) => {
      const members = size + (elsewhere.get(key)?.members ?? 0);
      elsewhere.delete(key);
      return { room: name, members, topic };
    });
    return [...here, ...elsewhere.values()];
  }

  /** Lets a client in under a guest's name and greets it. */
  enter(session: Session): Member {
    const isJson = session.kind === "websocket" && session.subprotocol === JSON_SUBPROTOCOL;
    const host = isHostEndpoint(session.remote) ? session.remote.host : undefined;
    const member = new Member(session, {
      ...this.#directory.newcomer(),
      format: isJson ? jsonFormat : textFormat,
      address: host === undefined || isLoopback(host) ? undefined : host,
      isAdmitted: this.authenticator === undefined && session.identity === undefined,
    });
    this.#directory.add(member);
    // Who has logged in already is greeted when admitted, by name.
    if (session.identity === undefined) this.greet(member);
    return member;
  }

  /** The first event that a client receives. */
  greet(member: Member): void {
    member.tell({ type: "welcome", nick: member.nick, motd: this.motd, loginRequired: !member.isAdmitted });
  }

  /**
   * A member has proved who it is: it takes that name, and need not log in any more.
   *
   * @throws {ChatError} Whether the name is free cannot be determined now.
   */
  async admit(member: Member, name: string): Promise<void> {
    await this.renaming.takeFree(member, checkNick(name));
    if (member.isGone) return;
    member.isAdmitted = true;
    this.#directory.update(member);
    this.greet(member);
  }

  /** From now on the member is spoken to on the other wire, in the rooms where it is. */
  async setFormat(member: Member, format: EventFormat): Promise<void> {
    for (const room of member.rooms.values()) room.restart(member);
    member.format = format;
    this.greet(member);
    for (const room of member.rooms.values()) await room.resume(member, undefined);
  }

  /** The client is gone: it leaves every room, and its name is free. */
  leave(member: Member, reason?: string): void {
    if (member.isGone) return;
    member.isGone = true;
    if (member.claim !== undefined) this.#claims.keep(member.claim, claimedRooms(member));
    for (const room of member.rooms.values()) room.remove(member, reason, this.#isEnding);
    this.#directory.remove(member, this.#isEnding ? "the server is ending" : reason);
    for (const room of member.rooms.values()) this.#rooms.closeIfEmpty(room);
    member.rooms.clear();
    member.current = undefined;
  }

  /** The person of a name, if one is here or on another server. */
  findPerson(nick: string): Member | Remote | undefined {
    const person = this.#directory.find(nick);
    return person instanceof Member && !person.isAdmitted ? undefined : person;
  }

  /**
   * The person of a name, here or on another server.
   *
   * @throws {ChatError} There is none.
   */
  personNamed(nick: string): Member | Remote {
    const person = this.findPerson(nick);
    if (person === undefined) {
      throw new ChatError("no-such-nick", `Nobody here is called ${cleanText(nick.slice(0, 64))}`, { field: "nick" });
    }
    return person;
  }

  /** Who is in a room on other servers. */
  elsewhere(roomKey: string): readonly Person[] {
    return this.#directory.elsewhere(roomKey);
  }

  /** It was decided that a member may not stay in a room. */
  evict(member: Member, room: Room, reason: string): void {
    this.part(member, room, reason);
    member.tell({ type: "left", room: room.name, reason });
  }

  /** It was decided that a member may do more, or less. */
  onRights(member: Member): void {
    this.#directory.update(member);
  }

  /**
   * Puts a member into a room, which becomes its current one. With a position
   * it is sent exactly what it missed since.
   *
   * @throws {ChatError} It may not, or the name is none.
   */
  async join(member: Member, name: string, options: { position?: Position; id?: string } = {}): Promise<void> {
    const room = await this.#rooms.open(checkRoom(name));
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
      member.rooms.set(room.key, room);
      member.current = room;
      const entered = this.#enterFirst(member, room);
      await room.join(member, { position, id, ...(entered && { entered }) }).catch((error: unknown) => {
        // A client that receives an error must not be left in the room.
        this.part(member, room);
        throw error;
      });
    } finally {
      this.#rooms.closeIfEmpty(room);
    }
  }

  /** Who is the first in a room, in the whole cluster, is its operator. */
  #enterFirst(member: Member, room: Room): Promise<void> | undefined {
    // Where people log in, the operators of the room that all share are named.
    const mayBeOperator = room.size === 0 && (this.authenticator === undefined || room.key !== LOBBY);
    const entering = this.#directory.enter(member, room);
    const hasClaim = this.#takeClaim(member, room);
    if (hasClaim || entering === true && mayBeOperator) room.operators.add(member);
    if (hasClaim) this.#directory.update(member);
    if (!(entering instanceof Promise)) return undefined;
    return entering.then((isFirst) => {
      if (!isFirst || !mayBeOperator || !room.has(member)) return;
      room.operators.add(member);
      this.#directory.update(member);
    });
  }

  /** Whether the member was an operator of the room over a connection that has ended, or is one over another. */
  #takeClaim({ claim }: Member, room: Room): boolean {
    if (claim === undefined) return false;
    const isOperator = [...room.operators].some((operator) => operator.claim === claim);
    return this.#claims.take(claim, room.key) || isOperator || this.#directory.hasClaimElsewhere(claim, room.key);
  }

  /** Takes a member out of a room; its current one is then the one it joined last. */
  part(member: Member, room: Room, reason?: string): void {
    room.remove(member, reason);
    member.rooms.delete(room.key);
    this.#directory.leave(member, room, reason);
    if (member.current === room) member.current = [...member.rooms.values()].at(-1);
    this.#rooms.closeIfEmpty(room);
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
    member: Participant,
    room: Room,
    what: { text: string; action?: true | undefined; id?: string | undefined },
    onStored?: (receipt: Receipt) => void,
  ): void {
    const text = checkText(what.text);
    room.checkNotMuted(member, "speak");
    room.checkRate(member);
    room.publish(member, { from: member.nick, sender: member.identity, ...what, text }, (outcome) => {
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
  sayPrivately(member: Member, to: string, text: string, id?: string): void | Promise<void> {
    const receiver = this.personNamed(to);
    const event: ChatEvent = {
      type: "private",
      from: member.nick,
      to: receiver.nick,
      text: checkText(text),
      at: new Date().toISOString(),
    };
    if (!(receiver instanceof Member)) {
      return this.#directory.tell(receiver, event).then(() => member.tell({ ...event, id }));
    }
    if (receiver !== member && !receiver.ignores(member)) receiver.tell(event);
    member.tell({ ...event, id });
  }

  /**
   * Tells everyone.
   *
   * @throws {ChatError} The member is no operator of the server, or there is nothing to tell.
   */
  announce(member: Member, text: string): void | Promise<void> {
    if (!member.isServerOperator) throw new ChatError("not-operator", "Only an operator of the server may do that");
    const event: ChatEvent = { type: "notice", text: checkText(cleanText(text)), from: member.nick };
    this.#tellAll(event);
    return this.#directory.announce(event);
  }

  #onServerDecision({ action, target, by, reason }: ModerationDecision): void {
    const isMeant = (member: Member) =>
      action === "kick"
        ? member.id === target
        : action === "ban" && this.serverBans.find(member.subjects) !== undefined;
    for (const member of [...this.#directory.members]) {
      if (member.isServerOperator || !isMeant(member)) continue;
      const done = action === "kick" ? "disconnected" : "banned from the server";
      member.tell({ type: "bye", reason: `${done} by ${by}${reason === undefined ? "" : `: ${reason}`}` });
      void member.session.finish("kicked");
    }
  }

  /** The server is ending: everyone receives a goodbye, and no events about who leaves. */
  drain(): void {
    this.#tellAll({ type: "bye", reason: "the server is ending" });
    this.#isEnding = true;
  }

  /** Puts away the directory and the history. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
    await this.#history[Symbol.asyncDispose]();
  }

  #tellAll(event: ChatEvent): void {
    for (const room of this.#rooms.all) room.flush();
    for (const member of this.#directory.members) {
      if (member.isAdmitted || event.type === "bye") member.tell(event);
    }
  }

  /** Tells everyone here who is in one of the rooms, once. */
  #tellRooms(roomKeys: Iterable<string>, event: ChatEvent, by?: Member): void {
    const [room, ...more] = Array.from(roomKeys, (key) => this.#rooms.get(key)).filter((room) => room !== undefined);
    // With one room, which is the rule, the room tells it as it tells all else.
    if (room === undefined) return;
    if (more.length === 0) return room.tell("room" in event ? { ...event, room: room.name } : event, by);
    const audience = new Set<Participant>();
    for (const each of [room, ...more]) {
      each.flushPresence();
      for (const other of each.members) audience.add(other);
    }
    if (by !== undefined) audience.delete(by);
    for (const other of audience) other.tell(event);
  }
}
