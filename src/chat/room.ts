import { ChatError } from "./chat_error.ts";
import { type Decision, eventOf, type ModerationDecision } from "./decision.ts";
import type { ChatEvent, People, Person } from "./event.ts";
import { FanOut, type Told } from "./fan_out.ts";
import type { Receipt, RoomLog, RoomState } from "./history.ts";
import type { Member } from "./member.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";
import { type RestrictionKind, Restrictions, untilText } from "./restrictions.ts";

/** Messages that someone new is shown. */
export const RECENT_MESSAGES = 20;
/** Messages that are read from the history at a time. */
const CATCH_UP_BATCH = 256;

/** Queued bytes at which catching up waits for the member to read. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Where a client that comes back left off. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** Members from which on comings and goings are told a few times a second, many at once. */
const CROWD = 100;
const PRESENCE_MS = 200;
const PRESENCE: ReadonlySet<ChatEvent["type"]> = new Set(["join", "leave", "nick"]);

/** Something that has its place in the order of a room: a message that is being stored, or what waits for one. */
type Underway =
  | { readonly speaker: Member }
  | Told
  | { readonly settle: () => void };

/** What a room needs of the hub that it belongs to. */
export interface RoomHost {
  /** Who is in the room on other servers. */
  elsewhere(roomKey: string): readonly Person[];
  /** It was decided that a member may not stay. */
  evict(member: Member, room: Room, reason: string): void;
  /** It was decided that a member may do more, or less. */
  onRights(member: Member): void;
}

/** One member's being in a room. */
interface Membership {
  /** Whether messages reach it as they are stored; until then it is reading what it missed. */
  isLive: boolean;
  /** Everything after this has come to it, or will. */
  since: number;
  /** What happened while it was catching up, messages aside. */
  held: ChatEvent[];
}

/** Who is in a room, and what they are told. */
export class Room {
  readonly name: string;
  readonly key: string;
  topic = "";
  readonly operators = new Set<Member>();
  readonly #host: RoomHost;
  #restrictions = new Restrictions();
  #log: RoomLog | undefined;
  readonly #memberships = new Map<Member, Membership>();
  readonly #fanOut = new FanOut();
  /** Comings and goings that a crowd has yet to be told. */
  readonly #presence: Told[] = [];
  #presenceTimer: ReturnType<typeof setTimeout> | undefined;
  #isFlushDue = false;
  /** Oldest first; the first is a message. */
  readonly #underway: Underway[] = [];

  /** The log must be given by {@linkcode open} before anything else is done. */
  constructor(name: string, host: RoomHost) {
    this.name = name;
    this.key = keyOf(name);
    this.#host = host;
  }

  /** Starts to be told the messages of its log, with the topic, the bans and the mutes that it had. */
  open(log: RoomLog): void {
    this.#log = log;
    this.#setState(log.state);
  }

  #setState(state: RoomState | undefined): void {
    this.topic = state?.topic ?? "";
    this.#restrictions = Restrictions.of(state?.restrictions ?? []);
  }

  /** Nobody is in it any more. */
  close(): void {
    clearTimeout(this.#presenceTimer);
    this.log.close();
  }

  /** Its messages. */
  get log(): RoomLog {
    if (this.#log === undefined) throw new Error(`${this.name} has no log yet`);
    return this.#log;
  }

  /** How many are in it. */
  get size(): number {
    return this.#memberships.size;
  }

  /** Who is in it, in the order of joining. */
  get members(): Iterable<Member> {
    return this.#memberships.keys();
  }

  /** Whether the member is in it. */
  has(member: Member): boolean {
    return this.#memberships.has(member);
  }

  /**
   * Everyone in it, on this server and on others, for a list of at most so
   * many: who joins a crowd need not wait until all of it is gone through.
   */
  people(most = Infinity): People {
    const members: Person[] = [];
    for (const member of this.#memberships.keys()) {
      if (members.length >= most) break;
      members.push({ nick: member.nick, operator: this.mayModerate(member) });
    }
    const elsewhere = this.#host.elsewhere(this.key);
    for (const person of elsewhere) {
      if (members.length >= most) break;
      members.push(person);
    }
    const more = this.size + elsewhere.length - members.length;
    return more > 0 ? { members, more } : { members };
  }

  /** Whether the member is an operator here. */
  mayModerate(member: Member): boolean {
    return member.isServerOperator || this.operators.has(member) || member.operatorOf.has(this.key);
  }

  /**
   * Refuses a member that is banned.
   *
   * @throws {ChatError} It is.
   */
  checkNotBanned(member: Member): void {
    if (member.isServerOperator) return;
    const ban = this.#restrictions.find("ban", [member.nick, member.address]);
    if (ban) throw new ChatError("banned", `You are banned from ${this.name}${untilText(ban)}`, { field: "room" });
  }

  /**
   * Refuses a member that is muted.
   *
   * @throws {ChatError} It is.
   */
  checkNotMuted(member: Member, doing: string): void {
    if (this.#restrictions.isEmpty || this.mayModerate(member)) return;
    const mute = this.#restrictions.find("mute", [member.nick, member.address]);
    if (mute) throw new ChatError("muted", `You cannot ${doing}: you are muted in ${this.name}${untilText(mute)}`);
  }

  /**
   * Lets a member in and shows it what it missed since `position`, or the last
   * messages; live messages follow without a gap. It returns when the member
   * has caught up or is gone. Where other servers must know of it first, the
   * member is told that it is in once `entered` is settled.
   */
  async join(
    member: Member,
    { position, id, entered }: { position?: Position | undefined; id?: string | undefined; entered?: Promise<void> },
  ): Promise<void> {
    // Who is in already must get what waits; who joins now must not.
    this.flush();
    let seq = this.log.seq;
    const membership: Membership = { isLive: false, since: seq, held: [] };
    this.#memberships.set(member, membership);
    this.tell({ type: "join", room: this.name, nick: member.nick }, member);
    this.flush();
    if (entered !== undefined) await entered;
    if (position !== undefined && position.seq > seq) {
      await this.#reach(position);
      membership.since = seq = this.log.seq;
    }
    const resumed = position !== undefined && position.epoch === this.log.epoch && position.seq <= seq;
    const canResume = resumed && await this.log.after(position.seq, 1) !== undefined;
    if (this.#memberships.get(member) !== membership) return;
    this.#welcome(member, seq, canResume, id);
    if (canResume) {
      membership.since = position.seq;
    } else {
      if (position !== undefined) member.tell(this.#unrecovered(position));
      await this.#showRecent(member, seq);
    }
    await this.#catchUp(member, membership, membership.since);
  }

  /** Tells a member that is in the room already so, and sends it what it has not got since `position`. */
  async resume(member: Member, position: Position | undefined, id?: string): Promise<void> {
    this.flush();
    const membership = this.#memberships.get(member);
    if (membership === undefined) return;
    const until = membership.since;
    const reaching = this.#reach(position);
    if (reaching !== undefined) await reaching;
    if (position === undefined) return this.#welcome(member, this.log.seq, false, id);
    const isKnown = position.epoch === this.log.epoch && position.seq <= this.log.seq;
    const missed = isKnown ? await this.log.after(position.seq, Math.max(1, until - position.seq)) : undefined;
    if (!this.#memberships.has(member)) return;
    if (missed === undefined) {
      this.flush();
      const { seq } = this.log;
      this.#welcome(member, seq, false, id);
      member.tell(this.#unrecovered(position));
      return await this.#showRecent(member, seq);
    }
    this.#welcome(member, until, true, id);
    await sendAll(member, missed.filter(({ seq }) => seq <= until));
    membership.since = Math.min(until, position.seq);
  }

  /** Waits for what the client has heard on another server already; `undefined` where there is nothing to wait for. */
  #reach(position: Position | undefined): Promise<void> | undefined {
    if (position === undefined || position.epoch !== this.log.epoch || position.seq <= this.log.seq) return undefined;
    return this.log.reached?.(position.seq);
  }

  /** From now on the member is spoken to on another wire: what it had before counts as not got. */
  restart(member: Member): void {
    this.flush();
    const membership = this.#memberships.get(member);
    if (membership) membership.since = this.log.seq;
  }

  /** Tells a member that it is in. */
  #welcome(member: Member, seq: number, resumed: boolean, id?: string): void {
    const { name: room, topic } = this;
    member.tell({
      type: "joined",
      room,
      epoch: this.log.epoch,
      seq,
      topic,
      resumed,
      ...this.people(member.wire.namesMost),
      id,
    });
  }

  /** Takes a member out, telling the others unless `isQuiet`. */
  remove(member: Member, reason: string | undefined, isQuiet = false): void {
    this.flush();
    if (!this.#memberships.delete(member)) return;
    this.operators.delete(member);
    if (!isQuiet) this.tell({ type: "leave", room: this.name, nick: member.nick, reason });
  }

  /** Tells everyone in the room, in order with the messages; `by` knows it already. */
  tell(event: ChatEvent, by?: Member): void {
    // A thousand who come at once would be told a million times: in a crowd, who comes and goes is told in turns.
    if (PRESENCE.has(event.type) && this.size > CROWD) {
      this.#presence.push({ event, by });
      this.#presenceTimer ??= setTimeout(() => this.#tellPresence(), PRESENCE_MS);
    } else this.#tellInOrder(event, by);
  }

  #tellPresence(): void {
    this.#presenceTimer = undefined;
    for (const { event, by } of this.#presence.splice(0)) this.#tellInOrder(event, by);
  }

  #tellInOrder(event: ChatEvent, by?: Member): void {
    // A member's message must not be overtaken by the news that the member left.
    if (this.#underway.length > 0) this.#underway.push({ event, by });
    else this.#push(event, by);
  }

  /**
   * Stores what a member says; everyone is told once it is stored.
   *
   * `onSettled` is told where it went, or why it was not stored.
   */
  publish(member: Member, draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    this.#underway.push({ speaker: member });
    this.log.publish(draft, (outcome) => {
      this.#underway.shift();
      for (let next = this.#underway[0]; next !== undefined && !("speaker" in next); next = this.#underway[0]) {
        this.#underway.shift();
        if ("settle" in next) next.settle();
        else this.#push(next.event, next.by);
      }
      onSettled(outcome);
    });
  }

  /** A message was stored: the log calls this. */
  onMessage(message: RoomMessage, isForeign = false): void {
    // Someone of the same name on another server is someone else.
    const first = isForeign ? undefined : this.#underway[0];
    const speaker = first !== undefined && "speaker" in first ? first.speaker : undefined;
    this.#push(message, speaker?.nick === message.from ? speaker : undefined);
  }

  /** Settles when what was said until now is stored, or is not; `undefined` where nothing is underway. */
  settled(): Promise<void> | undefined {
    if (this.#underway.length === 0) return undefined;
    return new Promise((settle) => this.#underway.push({ settle }));
  }

  /** Whether one of them is banned or muted. */
  isRestricted(kind: RestrictionKind, subjects: readonly (string | undefined)[]): boolean {
    return this.#restrictions.find(kind, subjects) !== undefined;
  }

  /** Something was decided about the room, here or on another server: the log calls this. */
  onDecision(decision: Decision, state: RoomState | undefined): void {
    this.#setState(state);
    this.tell(eventOf(decision, this.name));
    if (decision.action === "kick") this.#evict(decision, "kicked", (member) => member.id === decision.target);
    else if (decision.action === "ban") this.#evict(decision, "banned", (member) => this.#isBanned(member, decision));
    else if (decision.action === "op" || decision.action === "deop") this.#setOperator(decision);
  }

  #isBanned(member: Member, { target, address, nick }: ModerationDecision): boolean {
    const isMeant = member.id === target ||
      member.address !== undefined && member.address === (address ?? nick);
    return isMeant && !this.mayModerate(member);
  }

  #evict({ by }: ModerationDecision, done: string, isMeant: (member: Member) => boolean): void {
    for (const member of [...this.#memberships.keys()].filter(isMeant)) {
      this.#host.evict(member, this, `${done} by ${by}`);
    }
  }

  #setOperator({ action, target }: ModerationDecision): void {
    for (const member of this.#memberships.keys()) {
      if (member.id !== target) continue;
      if (action === "op") this.operators.add(member);
      else this.operators.delete(member);
      this.#host.onRights(member);
    }
  }

  /** Messages up to one before `before`, or the newest, oldest first. */
  async history(count: number, before?: number): Promise<readonly RoomMessage[]> {
    this.flush();
    return await this.log.last(count, Math.min(before === undefined ? Infinity : before - 1, this.log.seq));
  }

  /** Sends what waits; this happens by itself at the end of each turn. */
  flush(): void {
    this.#isFlushDue = false;
    if (this.#fanOut.isEmpty) return;
    const live: Member[] = [];
    for (const [member, membership] of this.#memberships) {
      if (membership.isLive) live.push(member);
      else membership.held.push(...this.#fanOut.notices(member));
    }
    this.#fanOut.sendTo(live);
    this.#fanOut.clear();
  }

  #push(event: ChatEvent, by?: Member): void {
    this.#fanOut.push(event, by);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => this.flush());
  }

  async #showRecent(member: Member, upTo: number): Promise<void> {
    const messages = await this.log.last(RECENT_MESSAGES, upTo);
    if (messages.length > 0) member.tell({ type: "history", room: this.name, epoch: this.log.epoch, messages });
  }

  async #catchUp(member: Member, membership: Membership, from: number): Promise<void> {
    let position = from;
    const isHere = () => this.#memberships.get(member) === membership;
    while (isHere() && position < this.log.seq) {
      const messages = await this.log.after(position, CATCH_UP_BATCH);
      if (!isHere()) return;
      if (messages === undefined || messages.length === 0) {
        member.tell(this.#unrecovered({ epoch: this.log.epoch, seq: position }));
        break;
      }
      position = messages.at(-1)?.seq ?? position;
      await sendAll(member, messages);
    }
    if (!isHere()) return;
    // What waits holds messages that it has got by now.
    this.flush();
    membership.isLive = true;
    for (const event of membership.held) member.tell(event);
    membership.held = [];
  }

  #unrecovered(position: Position): ChatEvent {
    const { epoch, seq } = this.log;
    const reason = position.epoch !== epoch
      ? "the room's messages were numbered anew"
      : position.seq > seq
      ? "the room has not come that far"
      : "older messages are no longer kept";
    return { type: "unrecovered", room: this.name, epoch, seq, reason };
  }
}

/** As fast as the member reads: what it missed may be more than its outbox holds. */
async function sendAll(member: Member, messages: readonly RoomMessage[]): Promise<void> {
  for (const message of messages) {
    member.tell(message);
    if (member.session.queuedBytes > HIGH_WATER_BYTES) await member.session.flush();
  }
}
