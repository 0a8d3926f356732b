import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { abortable } from "../../net/wait.ts";
import type { Directory, DirectoryEvents, Remote } from "../directory.ts";
import { LocalDirectory } from "../directory_local.ts";
import type { ChatEvent, Person, RoomSummary } from "../event.ts";
import type { Member } from "../member.ts";
import { keyOf } from "../names.ts";
import { nickKey } from "../nick_key.ts";
import type { Newcomer } from "../participant.ts";
import type { Room } from "../room.ts";
import { DirectMessenger } from "./direct_messenger.ts";
import { Heartbeat, LOST } from "./heartbeat.ts";
import type { NatsLink } from "./link.ts";
import { BEATS_PER_LEASE } from "./liveness.ts";
import { RemoteMembers } from "./remote_members.ts";
import { type MessageClock, NewsQueue, type StreamPosition } from "./news_queue.ts";
import { decodePresence, encodeTombstone, type Presence, type PresenceRecord } from "./presence_record.ts";
import { Registration, type RegistrationHost } from "./registration.ts";
import { NICK_KEY, PRESENCE_BUCKET, SERVER_KEY } from "./subjects.ts";
import { Table, type TableEntry } from "./table.ts";

/** Retention of unused names and ended servers. */
const TTL_MS = 3_600_000;
/**
 * Values kept per name, so that a slow server still sees the order in which members entered a room after later changes.
 */
const VALUES_KEPT = 5;
/** Time limit for reporting the last leaves at shutdown. */
const GOODBYE_MS = 2_000;
/** Time limit for NATS to determine who was first in a room. */
const ENTER_MS = 5_000;
/** Names of a lost server to free per heartbeat. */
const SWEPT_AT_ONCE = 200;
/** Registrations to renew per heartbeat, so that they do not expire. */
const RENEWED_AT_ONCE = 200;

/** Options of {@linkcode createNatsDirectory}. */
interface NatsDirectoryOptions {
  /** ID of this server in the cluster. */
  readonly server: string;
  /** A server that sends no heartbeat for this time is considered offline, with its members. */
  readonly leaseMs: number;
  /** Position of delivered messages. */
  readonly messages: MessageClock;
  /** The topic of a room, if known. */
  readonly topicOf: (roomKey: string) => string;
  readonly log: Logger;
}

/** The directory of all servers that share a NATS: a key-value bucket with an entry per name. */
export async function createNatsDirectory(link: NatsLink, options: NatsDirectoryOptions): Promise<Directory> {
  const { log, server } = options;
  const table = await Table.open(link, { bucket: PRESENCE_BUCKET, history: VALUES_KEPT, ttlMs: TTL_MS, log });
  const directory = new NatsDirectory(link, table, new DirectMessenger(link, server), options);
  await directory.start();
  return directory;
}

class NatsDirectory implements Directory, RegistrationHost {
  readonly server: string;
  readonly link: NatsLink;
  readonly table: Table;
  readonly messages: MessageClock;
  readonly #here = new LocalDirectory();
  readonly #messenger: DirectMessenger;
  readonly #heartbeat: Heartbeat;
  readonly #remote: RemoteMembers;
  readonly #topicOf: (roomKey: string) => string;
  readonly #log: Logger;
  /** Local members by ID, including those whose leave has not been reported to NATS. */
  readonly #registrations = new Map<string, Registration>();
  readonly #leaving = new Set<Registration>();
  #events: DirectoryEvents | undefined;
  #arrivals = 0;
  /** The messages that precede the current entry. */
  #newsAfter: StreamPosition | undefined;
  /** Heartbeats until entries not rewritten after a loss are dropped. */
  #beatsToDrop = 0;

  constructor(link: NatsLink, table: Table, messenger: DirectMessenger, options: NatsDirectoryOptions) {
    this.link = link;
    this.table = table;
    this.server = options.server;
    this.messages = options.messages;
    this.#messenger = messenger;
    this.#topicOf = options.topicOf;
    this.#log = options.log;
    this.#heartbeat = new Heartbeat(link, table, options, {
      onGone: (server, why) => this.#onGone(server, why),
      onBack: (server) => this.#remote.show(server),
      onBeat: () => this.#onBeat(),
    });
    const news = new NewsQueue(
      options.messages,
      ({ roomKeys, event }) => this.#events?.onNews(roomKeys, event),
    );
    this.#remote = new RemoteMembers(this.#heartbeat.liveness, {
      onNews: (roomKeys, event) => news.push({ roomKeys: [...roomKeys], event }, this.#newsAfter),
      onClaimLeft: (claim, roomKeys) => this.#events?.onClaimLeft(claim, roomKeys),
      onClaimUsed: (claim, roomKeys) => this.#events?.onClaimUsed(claim, roomKeys),
    });
  }

  /** Reads the current entries, and registers this server. */
  async start(): Promise<void> {
    this.#messenger.listen({
      onDirectMessage: (id, event) => {
        const member = this.#registrations.get(id)?.member;
        const sender = event.type === "private" ? this.find(event.from) : undefined;
        // The sender does not learn that it is ignored.
        if (sender === undefined || member?.ignores(sender) === false) member?.deliver(event);
        return member !== undefined;
      },
      onAnnouncement: (event) => this.#events?.onAnnouncement(event),
    });
    await this.table.start({
      onEntry: (entry) => this.#onEntry(entry),
      onLost: () => this.#onLost(),
      onRewound: () => this.#writeAgain(),
    });
    this.link.watch({ onReady: () => this.#tidy() });
    await this.#heartbeat.start();
  }

  get members(): Iterable<Member> {
    return this.#here.members;
  }

  get size(): number {
    return this.#here.size;
  }

  watch(events: DirectoryEvents): void {
    this.#events = events;
  }

  newcomer(): Newcomer {
    for (;;) {
      const number = ++this.#arrivals;
      // A free name as far as known locally, because a newcomer must not wait for NATS.
      const nick = `guest${number}-${this.server.slice(0, 4)}`;
      if (this.#here.holderOf(nick) === undefined && !this.#remote.has(nick)) {
        return { id: `${this.server}.${number}`, nick, key: nickKey(nick) };
      }
    }
  }

  add(member: Member): void {
    this.#here.add(member);
    const registration = new Registration(this, member);
    this.#registrations.set(member.id, registration);
    if (member.isAdmitted) void registration.update();
  }

  find(nick: string): Member | Remote | undefined {
    return this.#here.find(nick) ?? this.#remote.find(nick);
  }

  async rename(member: Member, nick: string): Promise<void> {
    this.#here.checkFree(member, nick);
    await this.#registrations.get(member.id)?.rename(nick, () => this.#here.rename(member, nick));
  }

  async enter(member: Member, room: Room): Promise<boolean> {
    const registration = this.#registrations.get(member.id);
    if (registration === undefined || !this.link.isReady) {
      void registration?.update();
      return false;
    }
    const answer = new Promise<boolean>((resolve) => registration.entering.set(room.key, resolve));
    void registration.update();
    // Without NATS it is unknown who was first; members are admitted anyway.
    try {
      return await abortable(this.link.wait(answer), { timeout: ENTER_MS }, () => new Error("no answer of NATS"));
    } catch {
      return false;
    } finally {
      registration.entering.delete(room.key);
    }
  }

  leave(member: Member, room: Room, reason: string | undefined): void {
    const registration = this.#registrations.get(member.id);
    registration?.leave(room.key, reason);
    void registration?.update(room.settled());
  }

  update(member: Member): void {
    void this.#registrations.get(member.id)?.update();
  }

  remove(member: Member, reason: string | undefined): void {
    this.#here.remove(member);
    const registration = this.#registrations.get(member.id);
    if (registration === undefined) return;
    this.#registrations.delete(member.id);
    const underway = Array.from(member.rooms.values(), (room) => room.settled()).filter((one) => one !== undefined);
    this.#leaving.add(registration);
    const removing = registration.remove(reason, underway.length === 0 ? undefined : Promise.all(underway));
    void removing.then(() => this.#forgetTidy(registration));
  }

  elsewhere(roomKey: string): Person[] {
    return this.#remote.inRoom(roomKey);
  }

  hasClaimElsewhere(claim: string, roomKey: string): boolean {
    return this.#remote.hasClaim(claim, roomKey);
  }

  roomsElsewhere(): RoomSummary[] {
    return this.#remote.rooms().map((summary) => ({ ...summary, topic: this.#topicOf(keyOf(summary.room)) }));
  }

  async deliver(remote: Remote, event: ChatEvent): Promise<void> {
    await this.#messenger.send(remote, event);
  }

  announce(event: ChatEvent): void {
    this.#messenger.announce(event);
  }

  /** A name is free if it is a tombstone, belongs to a lost server, or to no current member of this server. */
  isFree(presence: Presence | undefined): boolean {
    if (presence === undefined || "tombstone" in presence) return true;
    const { server, id } = presence.person;
    return server === this.server ? !this.#registrations.has(id) : this.#heartbeat.liveness.isGone(server);
  }

  onNameLost(member: Member): void {
    this.#events?.onNameLost(member);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [...this.#here.members]) this.remove(member, "its server ended");
    const leaving = Promise.all(Array.from(this.#leaving, (registration) => registration.tidy()));
    // The other servers clean up the rest.
    await abortable(this.link.wait(leaving), { timeout: GOODBYE_MS }, () => new Error("late")).catch(() => {});
    await this.#heartbeat.stop();
  }

  #onEntry(entry: TableEntry): void {
    if (entry.key.startsWith(SERVER_KEY)) return this.#heartbeat.onEntry(entry);
    const presence = decodePresence(entry.value);
    if (!entry.key.startsWith(NICK_KEY) || presence === undefined) return;
    if ("tombstone" in presence) {
      this.#defend(this.#registrations.get(presence.tombstone.id), entry);
    } else if (presence.person.server === this.server) {
      this.#confirm(presence.person);
    } else {
      this.#heartbeat.hear(presence.person.server);
      this.#defend(this.#registrations.get(this.#here.holderOf(presence.person.nick)?.id ?? ""), entry);
    }
    const isOurs = "person" in presence && presence.person.server === this.server;
    this.#newsAfter = "person" in presence ? presence.person.after : presence.tombstone.after;
    this.#remote.onEntry(entry.key, entry.revision, isOurs ? undefined : presence);
    this.#newsAfter = undefined;
  }

  /** A local member's entry into rooms has been ordered in the cluster. */
  #confirm({ id, rooms }: PresenceRecord): void {
    for (const [roomKey, resolve] of this.#registrations.get(id)?.entering ?? []) {
      if (rooms.has(roomKey)) resolve(!this.#remote.isIn(roomKey));
    }
  }

  /** Another server considered this one offline and took a local member's key: finds out who has the name. */
  #defend(registration: Registration | undefined, { key, revision }: TableEntry): void {
    if (registration?.key === key && registration.revision < revision) void registration.update();
  }

  /** A server without members may have ended long ago. */
  #onGone(server: string, why: string): void {
    const members = this.#remote.hide(server, why);
    if (members > 0) this.#log.warning("a server of the cluster is gone", { server, why, members });
  }

  #onBeat(): void {
    if (this.#beatsToDrop > 0 && --this.#beatsToDrop === 0) this.#remote.dropOld(LOST);
    const oldMs = performance.now() - TTL_MS / 2;
    let renewed = 0;
    for (const registration of this.#registrations.values()) {
      if (registration.writtenMs === undefined || registration.writtenMs > oldMs) continue;
      void registration.update();
      if (++renewed >= RENEWED_AT_ONCE) break;
    }
    void this.#sweep();
  }

  /** One of the online servers cleans up after lost ones. */
  async #sweep(): Promise<void> {
    const { liveness } = this.#heartbeat;
    const isSweeper = liveness.isFirst(this.server);
    for (const server of [...liveness.gone]) {
      const leftovers = this.#remote.leftovers(server, SWEPT_AT_ONCE);
      if (leftovers.length === 0) liveness.forget(server);
      if (!isSweeper) continue;
      const putting = leftovers.map(({ key, id, revision }) =>
        this.table.put(key, encodeTombstone({ id, why: LOST, after: undefined }), revision)
      );
      await Promise.all(putting).catch((error: unknown) => {
        this.#log.debug("names of a lost server were not freed", { server, error: messageOf(error) });
      });
    }
  }

  /** NATS is back online: reports members that have left meanwhile. */
  #tidy(): void {
    for (const registration of this.#registrations.values()) if (!registration.isTidy) void registration.tidy();
    for (const registration of this.#leaving) void registration.tidy().then(() => this.#forgetTidy(registration));
  }

  #forgetTidy(registration: Registration): void {
    if (registration.isTidy) this.#leaving.delete(registration);
  }

  /** NATS has lost its data: every server writes its members again. */
  #onLost(): void {
    this.#remote.expectAnew();
    this.#beatsToDrop = BEATS_PER_LEASE;
    void this.#heartbeat.beat();
    this.#writeAgain();
  }

  #writeAgain(): void {
    for (const registration of this.#registrations.values()) {
      if (registration.writtenMs !== undefined) void registration.update();
    }
  }
}
