import type { RateOptions } from "../guard/token_bucket.ts";
import { addressKey } from "../guard/address_key.ts";
import type { Session } from "../session/session.ts";
import type { ChatEvent } from "./event.ts";
import { LimitError } from "../base/errors.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { keyOf } from "./names.ts";
import { nickKey } from "./nick_key.ts";
import type { EventFormat } from "./event_format.ts";

/** Queued bytes above which responses wait for the member to read. */
const HIGH_WATER_BYTES = 64 * 1024;

const NO_ROOMS: ReadonlySet<string> = new Set();

/** The ID and the name of a member that has just connected. */
export interface Newcomer {
  readonly id: string;
  readonly nick: string;
  /** The `nickKey()` of the name. */
  readonly key: string;
}

/** A client, as seen by a room. */
export class Participant {
  readonly session: Session;
  /** ID of the connection, unique in the cluster. */
  readonly id: string;
  /** Its event format; `/mode` changes it. */
  format: EventFormat;
  /** Key shared by names that look alike. */
  key: string;
  #nick: string;
  /** The address for bans; none on shared ones, such as loopback. */
  readonly address: string | undefined;
  /** Login name, which may differ from its nickname. */
  login: string | undefined;
  /** Has operator rights in all rooms. */
  isServerOperator = false;
  /** Rooms where its login makes it an operator. */
  operatorOf: ReadonlySet<string> = NO_ROOMS;
  /** The `claimKey()` of a secret with which a later connection proves to be the same person. */
  claim: string | undefined;
  /** Has logged in, or no login is required. */
  isAdmitted: boolean;
  /** The room's rate limiter, if it applies to this member. */
  roomRate: RateOptions | undefined;
  #ignored: Set<string> | undefined;
  /** Failed logins. */
  failedLogins = 0;
  /** Consecutive rejected lines or requests. */
  refusedInARow = 0;
  /** Has left; pending operations for it are ignored. */
  isGone = false;

  constructor(
    session: Session,
    init: Newcomer & { format: EventFormat; address: string | undefined; isAdmitted: boolean },
  ) {
    this.session = session;
    this.id = init.id;
    this.format = init.format;
    this.#nick = init.nick;
    this.key = init.key;
    this.address = init.address;
    this.isAdmitted = init.isAdmitted;
  }

  get nick(): string {
    return this.#nick;
  }

  set nick(nick: string) {
    this.#nick = nick;
    this.key = nickKey(nick);
  }

  /** Identity across connections, as far as known, for detecting duplicate messages. */
  get identity(): string {
    if (this.login !== undefined) return `login ${keyOf(this.login)}`;
    if (this.claim !== undefined) return `claim ${this.claim}`;
    return this.address === undefined ? "" : `address ${addressKey(this.address)}`;
  }

  /** Ignored senders of private messages: name keys and connection IDs. */
  get ignored(): Set<string> {
    return this.#ignored ??= new Set();
  }

  /** Whether it ignores private messages from someone. */
  ignores({ id, nick, login }: Pick<Participant, "id" | "nick" | "login">): boolean {
    const ignored = this.#ignored;
    return ignored !== undefined &&
      (ignored.has(id) || ignored.has(nickKey(nick)) || login !== undefined && ignored.has(nickKey(login)));
  }

  /** The subjects by which bans and mutes apply to it. */
  get subjects(): readonly (string | undefined)[] {
    return [this.nick, this.login, this.address];
  }

  /** Sends an event to this member only. */
  deliver(event: ChatEvent): void {
    for (const message of this.format.encode(event)) {
      if (!this.session.send(message, true)) return dropSlowConsumer(this.session);
    }
  }

  /** Sends a requested response, which never makes the member a slow consumer: settles once little is queued. */
  answer(event: ChatEvent): void | Promise<void> {
    this.deliver(event);
    return this.drained();
  }

  /** Waits until little is queued; `undefined` if it is so already. */
  drained(): Promise<void> | undefined {
    return this.session.queuedBytes > HIGH_WATER_BYTES ? this.session.flush() : undefined;
  }
}

/**
 * Disconnects a member whose outbox is full, because a missed event would corrupt its view. Does nothing if the member
 * is already leaving.
 */
export function dropSlowConsumer(session: Session): void {
  if (!session.isWritable) return;
  const endpoint = formatEndpoint(session.remote);
  session.close("slow consumer", new LimitError(`${endpoint} reads too slowly: its outbox is full`, { endpoint }));
}
