import { messageOf } from "../../base/errors.ts";
import { Deadline } from "../../net/deadline.ts";
import { ChatError } from "../chat_error.ts";
import { nickTaken } from "../directory_local.ts";
import type { Member } from "../member.ts";
import { isOutage } from "./connect_nats.ts";
import type { NatsLink } from "./link.ts";
import type { MessageClock } from "./news_queue.ts";
import { decodePresence, encodePerson, encodeTombstone, type Presence } from "./presence_record.ts";
import { nickKeyOf } from "./subjects.ts";
import type { Table } from "./table.ts";

/** Time limit for claiming a name. */
const CLAIM_WAIT_MS = 5_000;

/** The directory of a {@linkcode Registration}. */
export interface RegistrationHost {
  /** ID of this server. */
  readonly server: string;
  readonly link: NatsLink;
  readonly table: Table;
  readonly messages: MessageClock;
  /** Whether a name is free despite its record: its server is offline, or no local member has it. */
  isFree(presence: Presence | undefined): boolean;
  /** A member on another server has taken this member's name. */
  onNameLost(member: Member): void;
}

/** The registration of a local member in the cluster. Its writes are serialized. */
export class Registration {
  readonly member: Member;
  /** Rooms that it is entering, until NATS has determined who was first. */
  readonly entering = new Map<string, (isFirst: boolean) => void>();
  readonly #host: RegistrationHost;
  readonly #why = new Map<string, string>();
  #key: string;
  /** Revision of the stored record. */
  #revision = 0;
  #writtenMs: number | undefined;
  #mayBeWritten = false;
  /** The stored record is outdated. */
  #isDirty = false;
  /** Another member has its name; already reported. */
  #isLost = false;
  /** Keys to release, with their last known revision and the reason. */
  readonly #litter = new Map<string, { revision: number; why: string | undefined }>();
  #last: Promise<unknown> = Promise.resolve();
  #update: Promise<void> | undefined;
  #isOver = false;

  /** Writes nothing before {@linkcode update}. */
  constructor(host: RegistrationHost, member: Member) {
    this.#host = host;
    this.member = member;
    this.#key = nickKeyOf(member.nick);
  }

  /** The key of its name. */
  get key(): string {
    return this.#key;
  }

  /** The last revision that is its own. */
  get revision(): number {
    return this.#revision;
  }

  /** Time of the last write, if any, on the clock of `performance.now()`. */
  get writtenMs(): number | undefined {
    return this.#writtenMs;
  }

  /** Writes the current state once `after` has settled; if NATS is unreachable, {@linkcode tidy} does it later. */
  update(after?: Promise<unknown>): Promise<void> {
    if (after !== undefined) return after.then(() => this.update());
    this.#update ??= this.#inTurn(() => {
      this.#update = undefined;
      return this.#write();
    });
    return this.#update;
  }

  /** Records a left room; the next write includes the reason. */
  leave(roomKey: string, reason: string | undefined): void {
    if (reason !== undefined) this.#why.set(roomKey, reason);
    this.entering.get(roomKey)?.(false);
    this.entering.delete(roomKey);
  }

  /**
   * Changes the name; `onTaken` is called as soon as the new one is registered.
   *
   * @throws {ChatError} The name is taken, or NATS is unreachable.
   */
  rename(nick: string, onTaken: () => void): Promise<void> {
    return this.#inTurn(() => this.#claim(nick, onTaken));
  }

  /** The member has left; its name is free once {@linkcode isTidy}. */
  remove(why: string | undefined, after?: Promise<unknown>): Promise<void> {
    this.#isOver = true;
    for (const resolve of this.entering.values()) resolve(false);
    return this.#inTurn(async () => {
      await after;
      if (this.#mayBeWritten) this.#litter.set(this.#key, { revision: this.#revision, why });
      await this.#freeNames();
    });
  }

  /** Whether NATS is up to date. */
  get isTidy(): boolean {
    return this.#litter.size === 0 && (!this.#isDirty || this.#isOver);
  }

  /** Writes pending changes to NATS; those that fail are left for the next time. */
  tidy(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#freeNames();
      if (this.#isDirty) await this.#write();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(): Promise<void> {
    const { link, table, server } = this.#host;
    this.#isDirty = true;
    try {
      while (link.isReady && this.#isDirty && !this.#isOver && !this.#isLost) {
        const why = new Map(this.#why);
        const after = this.#host.messages.position;
        const record = encodePerson(this.member, { server, nick: this.member.nick, why, after });
        this.#mayBeWritten = true;
        const revision = await table.put(this.#key, record, this.#revision);
        if (revision !== undefined) {
          this.#wrote(revision);
          for (const roomKey of why.keys()) this.#why.delete(roomKey);
          return;
        }
        // The key has another record: an own unacknowledged write, a tombstone, or another member.
        const found = await table.get(this.#key);
        const presence = decodePresence(found?.value);
        if (!this.#isOwn(presence) && !this.#host.isFree(presence)) return this.#lose();
        this.#revision = found?.revision ?? 0;
      }
    } catch {
      // The link has logged the outage; the directory tries again when NATS is back online.
    }
  }

  async #claim(nick: string, onTaken: () => void): Promise<void> {
    const key = nickKeyOf(nick);
    if (key === this.#key) {
      onTaken();
      return void this.update();
    }
    try {
      const revision = await this.#take(key, nick);
      this.#discard(this.#key, this.#revision);
      this.#key = key;
      this.#isLost = false;
      this.#wrote(revision);
      if (!this.#isOver) onTaken();
      await this.#freeNames();
    } catch (error) {
      // It may have been stored nevertheless: the reply may have been lost.
      if (error instanceof ChatError && error.code === "not-stored") this.#discard(key, 0);
      throw error;
    }
  }

  #discard(key: string, revision: number): void {
    if (this.#mayBeWritten) this.#litter.set(key, { revision, why: undefined });
  }

  async #take(key: string, nick: string): Promise<number> {
    const { link, table, server } = this.#host;
    const deadline = new Deadline(CLAIM_WAIT_MS);
    const record = encodePerson(this.member, { server, nick, why: new Map(), after: this.#host.messages.position });
    for (let expected = 0;;) {
      if (!await link.whenReady(deadline.remainingMs)) throw cannotAsk(nick);
      this.#mayBeWritten = true;
      try {
        const revision = await table.put(key, record, expected);
        if (revision !== undefined) return revision;
        const found = await table.get(key);
        const presence = decodePresence(found?.value);
        if (!this.#isOwn(presence) && !this.#host.isFree(presence)) {
          throw nickTaken(nick, presence !== undefined && "person" in presence ? presence.person.nick : nick);
        }
        expected = found?.revision ?? 0;
      } catch (cause) {
        if (cause instanceof ChatError) throw cause;
        if (!isOutage(cause) || deadline.remainingMs === 0) throw cannotAsk(nick, cause);
      }
    }
  }

  #lose(): void {
    this.#isLost = true;
    this.#host.onNameLost(this.member);
  }

  async #freeNames(): Promise<void> {
    try {
      for (const [key, { revision, why }] of this.#litter) {
        if (key !== this.#key || this.#isOver) await this.#bury(key, revision, why);
        this.#litter.delete(key);
      }
    } catch {
      // The directory tries again when NATS is back online.
    }
  }

  /** Frees a name, unless another member has it by now. */
  async #bury(key: string, revision: number, why: string | undefined): Promise<void> {
    const { table, messages } = this.#host;
    const tombstone = encodeTombstone({ id: this.member.id, why, after: messages.position });
    for (let expected = revision;;) {
      if (expected !== 0 && await table.put(key, tombstone, expected) !== undefined) return;
      const found = await table.get(key);
      if (found === undefined || !this.#isOwn(decodePresence(found.value))) return;
      expected = found.revision;
    }
  }

  #wrote(revision: number): void {
    this.#revision = revision;
    this.#isDirty = false;
    this.#writtenMs = performance.now();
  }

  #isOwn(presence: Presence | undefined): boolean {
    return presence !== undefined && "person" in presence && presence.person.id === this.member.id;
  }
}

function cannotAsk(nick: string, cause?: unknown): ChatError {
  const why = cause === undefined || isOutage(cause) ? "NATS is unreachable; try again later" : messageOf(cause);
  return new ChatError("not-stored", `Cannot check whether the name ${nick} is free: ${why}`, { cause, field: "nick" });
}
