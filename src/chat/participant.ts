import type { RateOptions } from "../guard/token_bucket.ts";
import { addressKey } from "../guard/address_key.ts";
import type { Session } from "../session/session.ts";
import type { ChatEvent } from "./event.ts";
import { LimitError } from "../base/errors.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { keyOf } from "./names.ts";
import { nickKey } from "./nick_key.ts";
import type { EventFormat } from "./event_format.ts";

/** Queued bytes from which on answers wait for the member to read. */
const HIGH_WATER_BYTES = 64 * 1024;

/** One client of the chat, as a room sees it. */
export class Participant {
  readonly session: Session;
  /** Names the connection in the whole cluster. */
  readonly id: string;
  /** How it is spoken to; `/mode` changes it. */
  format: EventFormat;
  /** Names that people could take for the same share it. */
  key = "";
  #nick = "";
  /** The address bans apply to; none where all come from one, such as loopback. */
  readonly address: string | undefined;
  /** The name it logged in with, which is not always what it is called. */
  login: string | undefined;
  /** May do everything an operator of any room may. */
  isServerOperator = false;
  /** Rooms where it is an operator by its log-in. */
  operatorOf: ReadonlySet<string> = new Set();
  /** Of a secret by which a later connection proves to be this person: what `claimKey()` makes of it. */
  claim: string | undefined;
  /** Has logged in, or need not. */
  isAdmitted: boolean;
  /** What all members together may say in a room, where that is limited for this one. */
  roomRate: RateOptions | undefined;
  /** Whom it does not want to hear from in private: names by their key, and connections. */
  readonly ignored = new Set<string>();
  /** Wrong passwords so far. */
  failedLogins = 0;
  /** How many of its lines or requests were refused since the last one that was not. */
  refusedInARow = 0;
  /** Has left: nothing that was still under way for it counts. */
  isGone = false;

  constructor(
    session: Session,
    init: { id: string; format: EventFormat; nick: string; address: string | undefined; isAdmitted: boolean },
  ) {
    this.session = session;
    this.id = init.id;
    this.format = init.format;
    this.nick = init.nick;
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

  /** Who it is over any of its connections, as far as that can be told: a repeated message is recognized within it. */
  get identity(): string {
    if (this.login !== undefined) return `login ${keyOf(this.login)}`;
    if (this.claim !== undefined) return `claim ${this.claim}`;
    return this.address === undefined ? "" : `address ${addressKey(this.address)}`;
  }

  /** Whether it does not want to hear from someone in private. */
  ignores({ id, nick, login }: Pick<Participant, "id" | "nick" | "login">): boolean {
    const { ignored } = this;
    return ignored.size > 0 &&
      (ignored.has(id) || ignored.has(nickKey(nick)) || login !== undefined && ignored.has(nickKey(login)));
  }

  /** What bans and mutes may name it by. */
  get subjects(): readonly (string | undefined)[] {
    return [this.nick, this.login, this.address];
  }

  /** Tells this member alone. */
  tell(event: ChatEvent): void {
    for (const message of this.format.encode(event)) {
      if (!this.session.send(message, true)) return dropSlowConsumer(this.session);
    }
  }

  /** Tells this member what it asked for, which is never the reason to drop it: it settles once little is queued. */
  answer(event: ChatEvent): void | Promise<void> {
    this.tell(event);
    return this.drained();
  }

  /** Waits until little is queued; `undefined` if it is so already. */
  drained(): Promise<void> | undefined {
    return this.session.queuedBytes > HIGH_WATER_BYTES ? this.session.flush() : undefined;
  }
}

/**
 * Disconnects a member for which an event found no room in the outbox: one that
 * misses an event would show a wrong conversation. Does nothing where the
 * member is leaving anyway.
 */
export function dropSlowConsumer(session: Session): void {
  if (!session.isWritable) return;
  const endpoint = formatEndpoint(session.remote);
  session.close("slow consumer", new LimitError(`${endpoint} reads too slowly: its outbox is full`, { endpoint }));
}
