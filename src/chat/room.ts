import { type CatchUps, type Position, unrecovered } from "./catch_up.ts";
import type { Logger } from "../log/logger.ts";
import type { ChatError } from "./chat_error.ts";
import { type Decision, eventOf, type ModerationDecision } from "./decision.ts";
import type { ChatEvent, People, Person } from "./event.ts";
import { FanOut, PresenceQueue, type RoomEvent } from "./fan_out.ts";
import type { Receipt, RoomLog } from "./history.ts";
import { dropSlowConsumer, type Participant } from "./participant.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { newestThatFit } from "./paging.ts";
import { PeopleList } from "./people_list.ts";
import type { Restrictions } from "./restrictions.ts";
import { RoomRights } from "./room_rights.ts";

/** Number of messages sent to a newcomer. */
const RECENT_MESSAGES = 20;

/** Maximum events queued for a member while it catches up. */
const MAX_HELD = 1_000;

/** An item in the order of a room: a message being stored, or an event that must follow one. */
type Underway =
  | { readonly speaker: Participant; readonly onSettled: (outcome: Receipt | ChatError) => void }
  | RoomEvent
  | { readonly settle: () => void };

/** The hub of a room. */
export interface RoomHost {
  /** Where decisions are recorded. */
  readonly log: Logger;
  /** Shared by all rooms. */
  readonly catchUps: CatchUps;
  /** Who is in the room on other servers. */
  elsewhere(roomKey: string): readonly Person[];
  /** Removes a member after a decision. */
  evict(member: Participant, room: Room, reason: string): void;
  /** Updates a member's rights after a decision. */
  onRights(member: Participant): void;
}

/** The membership of one member. */
interface Membership {
  /** Join counter, used as the position in paged lists. */
  readonly number: number;
  /** Everything after this number has been or will be sent to it. */
  since: number;
}

/** A room and its members. */
export class Room extends RoomRights {
  readonly #host: RoomHost;
  #log: RoomLog | undefined;
  readonly #memberships = new Map<Participant, Membership>();
  readonly #people = new PeopleList(this.#memberships, (member) => this.mayModerate(member));
  /** Members that do not receive live messages yet, and the other events meanwhile. */
  readonly #catchingUp = new Map<Participant, ChatEvent[]>();
  readonly #fanOut = new FanOut();
  readonly #presence = new PresenceQueue((events) => {
    // Separate from messages, because a newcomer knows earlier events but not messages.
    this.flush();
    for (const { event, by } of events) this.#deliverInOrder(event, by);
    this.flush();
  });
  #joins = 0;
  #isFlushDue = false;
  /** Oldest first; the first is a message. */
  readonly #underway: Underway[] = [];

  /** {@linkcode open} must be called first. */
  constructor(name: string, host: RoomHost) {
    super(name);
    this.#host = host;
  }

  /** Opens its log. */
  open(log: RoomLog): void {
    this.#log = log;
  }

  /** What it is about. */
  get topic(): string {
    return this.log.state.topic;
  }

  protected get restrictions(): Restrictions {
    return this.log.state.restrictions;
  }

  /** Closes an empty room. */
  close(): void {
    this.#presence.close();
    this.log.close();
  }

  /** Its messages. */
  get log(): RoomLog {
    if (this.#log === undefined) throw new Error(`${this.name} has no log yet`);
    return this.#log;
  }

  get size(): number {
    return this.#memberships.size;
  }

  /** Members in the order of joining. */
  get members(): Iterable<Participant> {
    return this.#memberships.keys();
  }

  has(member: Participant): boolean {
    return this.#memberships.has(member);
  }

  /**
   * Lists at most `max` members: those of this server in the order of joining, then others by name, from the start or
   * `after` the `next` of an earlier page.
   *
   * @throws {ChatError} The cursor is invalid.
   */
  people(max: number, after?: string): People {
    const elsewhere = this.#host.elsewhere(this.key);
    return after === undefined ? this.#people.first(max, elsewhere) : this.#people.after(after, max, elsewhere);
  }

  /**
   * Adds a member and sends it the messages since `position`, or the last ones; live messages follow without a gap.
   * Resolves when the member has caught up or left. If other servers must be notified first, `joined` is sent once
   * `entered` has settled.
   */
  join(
    member: Participant,
    options: { position?: Position | undefined; id?: string | undefined; entered?: Promise<void> | undefined },
  ): void | Promise<void> {
    // Queued events go to the members, but not to the newcomer.
    this.flush();
    const { seq } = this.log;
    const membership: Membership = { number: ++this.#joins, since: seq };
    this.#memberships.set(member, membership);
    const misses = seq > 0 || options.position !== undefined || options.entered !== undefined;
    if (misses) this.#catchingUp.set(member, []);
    this.broadcast(
      { type: "join", room: this.name, nick: member.nick, operator: this.mayModerate(member) || undefined },
      member,
    );
    this.flush();
    return misses ? this.#follow(member, membership, options) : this.#welcome(member, seq, false, options.id);
  }

  /** Brings a newcomer to the live messages. */
  async #follow(
    member: Participant,
    membership: Membership,
    { position, id, entered }: Parameters<Room["join"]>[1],
  ): Promise<void> {
    let seq = membership.since;
    if (entered !== undefined) await entered;
    if (position !== undefined && position.seq > seq) {
      await this.#reach(position);
      membership.since = seq = this.log.seq;
    }
    const resumed = position !== undefined && position.epoch === this.log.epoch && position.seq <= seq;
    const canResume = resumed && await this.log.after(position.seq, 1) !== undefined;
    if (this.#memberships.get(member) !== membership) return;
    const reading = this.#welcome(member, seq, canResume, id);
    if (canResume) membership.since = position.seq;
    else {
      if (position !== undefined) member.deliver(unrecovered(this, position, seq));
      await this.#showRecent(member, seq);
    }
    await reading;
    const isHere = () => this.#isHere(member, membership);
    let reached = membership.since;
    while (isHere() && reached < this.log.seq) {
      reached = await this.#catchUp(member, membership, reached, () => this.log.seq);
    }
    if (!isHere()) return;
    // The queue contains messages that it has already received.
    this.flush();
    const held = this.#catchingUp.get(member) ?? [];
    this.#catchingUp.delete(member);
    for (const event of held) member.deliver(event);
  }

  /** Confirms the join of a member already in the room, and sends it the messages missed since `position`. */
  async resume(member: Participant, position: Position | undefined, id?: string): Promise<void> {
    this.flush();
    const membership = this.#memberships.get(member);
    if (membership === undefined) return;
    const until = membership.since;
    const reaching = this.#reach(position);
    if (reaching !== undefined) await reaching;
    if (position === undefined) return await this.#welcome(member, this.log.seq, false, id);
    const isKnown = position.epoch === this.log.epoch && position.seq <= this.log.seq;
    const canResume = isKnown && await this.log.after(position.seq, 1) !== undefined;
    if (this.#memberships.get(member) !== membership) return;
    if (!canResume) {
      this.flush();
      const { seq } = this.log;
      const reading = this.#welcome(member, seq, false, id);
      member.deliver(unrecovered(this, position, seq));
      await reading;
      return await this.#showRecent(member, seq);
    }
    await this.#welcome(member, until, true, id);
    await this.#catchUp(member, membership, position.seq, () => until);
    membership.since = Math.min(until, position.seq);
  }

  /** Whether the member is still connected and in the room. */
  #isHere(member: Participant, membership: Membership): boolean {
    return this.#memberships.get(member) === membership && member.session.isWritable;
  }

  /** Waits for messages that the client has already received from another server; `undefined` if there are none. */
  #reach(position: Position | undefined): Promise<void> | undefined {
    if (position === undefined || position.epoch !== this.log.epoch || position.seq <= this.log.seq) return undefined;
    return this.log.reached?.(position.seq);
  }

  /** Switches a member to another format; earlier messages count as not received. */
  restart(member: Participant): void {
    this.flush();
    const membership = this.#memberships.get(member);
    if (membership) membership.since = this.log.seq;
  }

  /** Sends `joined` to a member. */
  #welcome(member: Participant, seq: number, resumed: boolean, id?: string): void | Promise<void> {
    const { name: room, topic } = this;
    const { epoch } = this.log;
    // Named one by one, because `...` costs more than all other fields.
    const { members, more, next } = this.people(member.format.maxPeople);
    return member.answer({ type: "joined", room, epoch, seq, topic, resumed, members, more, next, id });
  }

  /** Removes a member and notifies the others unless `isQuiet`. */
  remove(member: Participant, reason: string | undefined, isQuiet = false): void {
    this.flush();
    if (!this.#memberships.delete(member)) return;
    this.#catchingUp.delete(member);
    this.#people.onLeft();
    this.operators.delete(member);
    if (!isQuiet) this.broadcast({ type: "leave", room: this.name, nick: member.nick, reason });
  }

  /** Sends an event to all members except `by`, in order with the messages. */
  broadcast(event: ChatEvent, by?: Participant): void {
    if (!this.#presence.take({ event, by }, this.size)) this.#deliverInOrder(event, by);
  }

  #deliverInOrder(event: ChatEvent, by?: Participant): void {
    // The event that a member left must not overtake its message.
    if (this.#underway.length > 0) this.#underway.push({ event, by });
    else this.#push(event, by);
  }

  /**
   * Stores a message; everyone receives it once it is stored.
   *
   * `onSettled` is called with its place, or with the reason why it was not stored.
   */
  publish(member: Participant, draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    this.#underway.push({ speaker: member, onSettled });
    this.log.publish(draft, this.#onSettled);
  }

  /** The same for all messages, which are settled in order. */
  readonly #onSettled = (outcome: Receipt | ChatError): void => {
    const settled = this.#underway.shift();
    for (let next = this.#underway[0]; next !== undefined && !("speaker" in next); next = this.#underway[0]) {
      this.#underway.shift();
      if ("settle" in next) next.settle();
      else this.#push(next.event, next.by);
    }
    if (settled !== undefined && "speaker" in settled) settled.onSettled(outcome);
  };

  /** Called by the log for each stored message. */
  onMessage(message: RoomMessage, isForeign = false): void {
    // The same name on another server is another person.
    const first = isForeign ? undefined : this.#underway[0];
    const speaker = first !== undefined && "speaker" in first ? first.speaker : undefined;
    this.#push(message, speaker?.nick === message.from ? speaker : undefined);
  }

  /** Settles when pending messages are stored or have failed; `undefined` if there are none. */
  settled(): Promise<void> | undefined {
    if (this.#underway.length === 0) return undefined;
    return new Promise((settle) => this.#underway.push({ settle }));
  }

  /**
   * Stores a decision and logs it.
   *
   * @throws {ChatError} The decision cannot be stored.
   */
  decide(decision: Decision): void | Promise<void> {
    const deciding = this.log.decide(decision);
    const record = () => this.#host.log.info("moderation", { room: this.name, ...decision });
    return deciding instanceof Promise ? deciding.then(record) : record();
  }

  /** Called by the log for each decision, of any server. */
  onDecision(decision: Decision): void {
    this.broadcast(eventOf(decision, this.name));
    if (decision.action === "kick") this.#evict(decision, "kicked", (member) => member.id === decision.target);
    else if (decision.action === "ban") this.#evict(decision, "banned", (member) => this.isBannedBy(member, decision));
    else if (decision.action === "op" || decision.action === "deop") this.#setOperator(decision);
  }

  #evict({ by }: ModerationDecision, done: string, isMeant: (member: Participant) => boolean): void {
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

  /** Messages before `before`, or the newest ones, oldest first: as many as fit into one response. */
  history(count: number, before?: number): Promise<ChatEvent & { type: "history" }> {
    this.flush();
    return this.#history(count, Math.min(before === undefined ? Infinity : before - 1, this.log.seq));
  }

  async #history(count: number, upTo: number): Promise<ChatEvent & { type: "history" }> {
    const found = await this.log.last(count, upTo);
    const messages = newestThatFit(found);
    const next = messages.length < found.length ? messages[0]?.seq : undefined;
    return { type: "history", room: this.name, epoch: this.log.epoch, messages, next };
  }

  /** Sends the queue; called automatically at the end of each turn. */
  flush(): void {
    this.#isFlushDue = false;
    if (this.#fanOut.isEmpty) return;
    const late = this.#catchingUp;
    for (const [member, held] of late) this.#hold(member, held);
    const members = this.#memberships.keys();
    this.#fanOut.sendTo(late.size === 0 ? members : members.filter((member) => !late.has(member)));
    this.#fanOut.clear();
  }

  /** Queues an event for a member that is catching up; one that is too slow is dropped. */
  #hold(member: Participant, held: ChatEvent[]): void {
    held.push(...this.#fanOut.notices(member));
    if (held.length <= MAX_HELD) return;
    held.length = 0;
    dropSlowConsumer(member.session);
  }

  /** Like {@linkcode flush}, including batched join and leave events. */
  flushPresence(): void {
    this.#presence.flush();
    this.flush();
  }

  #push(event: ChatEvent, by?: Participant): void {
    this.#fanOut.push(event, by);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => this.flush());
  }

  async #showRecent(member: Participant, upTo: number): Promise<void> {
    const recent = await this.#history(RECENT_MESSAGES, upTo);
    if (recent.messages.length > 0) await member.answer(recent);
  }

  /** Sends the stored messages after `seq` up to `upTo`; returns the last number sent. */
  async #catchUp(member: Participant, membership: Membership, seq: number, upTo: () => number): Promise<number> {
    const isHere = () => this.#isHere(member, membership);
    const { reached, isLost } = await this.#host.catchUps.send(member, this.log, { after: seq, upTo }, isHere);
    if (!isLost || !isHere()) return reached;
    this.flush();
    member.deliver(unrecovered(this, { epoch: this.log.epoch, seq: reached }, this.log.seq));
    return this.log.seq;
  }
}
