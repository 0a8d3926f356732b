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
import { type EventFormat, JSON_SUBPROTOCOL, jsonFormat, textFormat } from "./event_format.ts";

/** Maximum rooms per member. */
export const ROOMS_PER_MEMBER = 50;

/** Options of {@linkcode Hub}. */
export interface HubOptions {
  readonly log: Logger;
  /** The message history; the hub disposes of it. */
  readonly history: History;
  /**
   * The directory; the hub disposes of it.
   *
   * @default {one for this server alone}
   */
  readonly directory?: Directory;
  /**
   * Maximum open rooms on this server.
   *
   * @default {10_000}
   */
  readonly maxRooms?: number | undefined;
  /** Message of the day, in lines. */
  readonly motd?: readonly string[];
  /** The authenticator; if set, login is required. */
  readonly authenticator?: Authenticator | undefined;
}

/** The connected members and their rooms. */
export class Hub implements RoomHost, AsyncDisposable {
  readonly log: Logger;
  readonly authenticator: Authenticator | undefined;
  readonly motd: readonly string[];
  readonly renaming: Renaming;
  readonly catchUps = new CatchUps();
  readonly #history: History;
  /** Server-wide bans. */
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
      notifyRooms: (roomKeys, event, by) => this.#notifyRooms(roomKeys, event, by),
    });
    this.#directory.watch({
      onNews: (roomKeys, event) => this.#notifyRooms(roomKeys, event),
      onAnnouncement: (event) => this.#notifyAll(event),
      onNameLost: (member) => void this.renaming.renameAgain(member),
      onClaimLeft: (claim, roomKeys) => this.#claims.keep(claim, roomKeys),
      onClaimUsed: (claim, roomKeys) => roomKeys.forEach((room) => this.#claims.take(claim, room)),
    });
  }

  /** Reads the server-wide bans; required before any client is admitted. */
  async start(): Promise<void> {
    await this.serverBans.open();
  }

  /** Number of members on this server. */
  get memberCount(): number {
    return this.#directory.size;
  }

  /** Why nothing can be stored now; `undefined` if it can. */
  get fault(): string | undefined {
    return this.#history.fault;
  }

  /**
   * Lists at most `max` non-empty rooms, largest first, from the start or `after` the `next` of an earlier page.
   *
   * @throws {ChatError} The cursor is invalid.
   */
  rooms(max: number, after?: string): { rooms: RoomSummary[] } & Page {
    return pageOfRooms(this.#rooms.summaries(this.#directory.roomsElsewhere()), max, after);
  }

  /** Admits a client under a guest name and greets it. */
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
    // Already authenticated clients are greeted on admission, by name.
    if (session.identity === undefined) this.greet(member);
    return member;
  }

  /** The first event that a client receives. */
  greet(member: Member): void {
    member.deliver({ type: "welcome", nick: member.nick, motd: this.motd, loginRequired: !member.isAdmitted });
  }

  /**
   * Gives an authenticated member its login name.
   *
   * @throws {ChatError} The availability of the name cannot be checked now.
   */
  async admit(member: Member, name: string): Promise<void> {
    await this.renaming.takeFree(member, checkNick(name));
    if (member.isGone) return;
    member.isAdmitted = true;
    this.#directory.update(member);
    this.greet(member);
  }

  /** Switches a member and its rooms to another format. */
  async setFormat(member: Member, format: EventFormat): Promise<void> {
    for (const room of member.rooms.values()) room.restart(member);
    member.format = format;
    this.greet(member);
    for (const room of member.rooms.values()) await room.resume(member, undefined);
  }

  /** Removes a disconnected client from all rooms and frees its name. */
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

  /** Finds a member by name, here or on another server. */
  findPerson(nick: string): Member | Remote | undefined {
    const person = this.#directory.find(nick);
    return person instanceof Member && !person.isAdmitted ? undefined : person;
  }

  /**
   * Finds a member by name, here or on another server.
   *
   * @throws {ChatError} There is no such member.
   */
  personNamed(nick: string): Member | Remote {
    const person = this.findPerson(nick);
    if (person === undefined) {
      throw new ChatError("no-such-nick", `No such user: ${cleanText(nick.slice(0, 64))}`, { field: "nick" });
    }
    return person;
  }

  /** Members of a room on other servers. */
  elsewhere(roomKey: string): readonly Person[] {
    return this.#directory.elsewhere(roomKey);
  }

  /** Removes a member from a room after a decision. */
  evict(member: Member, room: Room, reason: string): void {
    this.part(member, room, reason);
    member.deliver({ type: "left", room: room.name, reason });
  }

  /** Updates a member's rights after a decision. */
  onRights(member: Member): void {
    this.#directory.update(member);
  }

  /**
   * Adds a member to a room, which becomes its current one. With a position it is sent exactly the messages missed
   * since.
   *
   * @throws {ChatError} The member is banned, or the name is invalid.
   */
  async join(member: Member, name: string, options: { position?: Position; id?: string } = {}): Promise<void> {
    // Without a wait for an open room, what a client receives on joining is one write with what it received before.
    let room = this.#rooms.get(keyOf(name));
    if (room === undefined) {
      const checked = checkRoom(name);
      // The last member may leave it before this goes on, which closes it.
      while ((room = this.#rooms.get(keyOf(checked))) === undefined) await this.#rooms.open(checked);
    }
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
      try {
        const joining = room.join(member, { position, id, entered });
        if (joining !== undefined) await joining;
      } catch (error) {
        // A client that receives an error must not be left in the room.
        this.part(member, room);
        throw error;
      }
    } finally {
      this.#rooms.closeIfEmpty(room);
    }
  }

  /** The first member of a room in the whole cluster becomes its operator. */
  #enterFirst(member: Member, room: Room): Promise<void> | undefined {
    // With logins, the operators of the lobby are configured.
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

  /** Whether the member was an operator of the room over a former connection, or is one over another. */
  #takeClaim({ claim }: Member, room: Room): boolean {
    if (claim === undefined) return false;
    const isOperator = [...room.operators].some((operator) => operator.claim === claim);
    return this.#claims.take(claim, room.key) || isOperator || this.#directory.hasClaimElsewhere(claim, room.key);
  }

  /** Removes a member from a room; its current room is then the one that it joined last. */
  part(member: Member, room: Room, reason?: string): void {
    room.remove(member, reason);
    member.rooms.delete(room.key);
    this.#directory.leave(member, room, reason);
    if (member.current === room) member.current = [...member.rooms.values()].at(-1);
    this.#rooms.closeIfEmpty(room);
  }

  /**
   * The member's room with that name, or its current one without a name.
   *
   * @throws {ChatError} The member is not in it.
   */
  roomOf(member: Member, name?: string): Room {
    // Looked up unchanged first: normalizing the name for every message would cost more than finding the room.
    const room = name === undefined
      ? member.current
      : member.rooms.get(keyOf(name)) ?? member.rooms.get(keyOf(checkRoom(name)));
    if (room !== undefined) return room;
    throw new ChatError(
      "not-in-room",
      name === undefined
        ? `You are not in a room: join one, as in /join ${LOBBY}`
        : `You are not in ${checkRoom(name)}`,
      { field: "room" },
    );
  }

  /**
   * Publishes a message in a room; `onStored` is called once it is stored.
   *
   * @throws {ChatError} The member must not speak there, or the message is empty.
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
    const { action, id } = what;
    room.publish(member, { from: member.nick, sender: member.identity, text, action, id }, (outcome) => {
      if (!(outcome instanceof ChatError)) return onStored?.(outcome);
      const { code, message, field } = outcome;
      member.deliver({ type: "error", code, text: message, field, id });
    });
  }

  /**
   * Sends a private message.
   *
   * @throws {ChatError} There is no such member.
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
      return this.#directory.deliver(receiver, event).then(() => member.deliver({ ...event, id }));
    }
    if (receiver !== member && !receiver.ignores(member)) receiver.deliver(event);
    member.deliver({ ...event, id });
  }

  /**
   * Sends an announcement to everyone.
   *
   * @throws {ChatError} The member is not a server operator, or the text is empty.
   */
  announce(member: Member, text: string): void | Promise<void> {
    if (!member.isServerOperator) throw new ChatError("not-operator", "Only an operator of the server may do that");
    const event: ChatEvent = { type: "notice", text: checkText(cleanText(text)), from: member.nick };
    this.#notifyAll(event);
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
      member.deliver({ type: "bye", reason: `${done} by ${by}${reason === undefined ? "" : `: ${reason}`}` });
      void member.session.finish("kicked");
    }
  }

  /** Called at shutdown: everyone receives a goodbye, and no leave events. */
  drain(): void {
    this.#notifyAll({ type: "bye", reason: "the server is ending" });
    this.#isEnding = true;
  }

  /** Disposes of the directory and the history. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
    await this.#history[Symbol.asyncDispose]();
  }

  #notifyAll(event: ChatEvent): void {
    for (const room of this.#rooms.all) room.flush();
    for (const member of this.#directory.members) {
      if (member.isAdmitted || event.type === "bye") member.deliver(event);
    }
  }

  /** Sends an event once to each local member of one of the rooms. */
  #notifyRooms(roomKeys: Iterable<string>, event: ChatEvent, by?: Member): void {
    const [room, ...more] = Array.from(roomKeys, (key) => this.#rooms.get(key)).filter((room) => room !== undefined);
    // With one room, the usual case, the room sends it.
    if (room === undefined) return;
    if (more.length === 0) return room.broadcast("room" in event ? { ...event, room: room.name } : event, by);
    const audience = new Set<Participant>();
    for (const each of [room, ...more]) {
      each.flushPresence();
      for (const other of each.members) audience.add(other);
    }
    if (by !== undefined) audience.delete(by);
    for (const other of audience) other.deliver(event);
  }
}
