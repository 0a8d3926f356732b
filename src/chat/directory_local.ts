import { ChatError } from "./chat_error.ts";
import type { Directory } from "./directory.ts";
import type { Member } from "./member.ts";
import { keyOf } from "./names.ts";
import { nickKey } from "./nick_key.ts";
import type { Newcomer } from "./participant.ts";

/** The directory of a single server. */
export class LocalDirectory implements Directory {
  readonly #members = new Map<string, Member>();
  #arrivals = 0;
  #guests = 0;

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get size(): number {
    return this.#members.size;
  }

  watch(): void {
    // There is no other server.
  }

  newcomer(): Newcomer {
    const id = String(++this.#arrivals);
    for (;;) {
      const nick = `guest${++this.#guests}`;
      const key = nickKey(nick);
      if (!this.#members.has(key)) return { id, nick, key };
    }
  }

  add(member: Member): void {
    this.#members.set(member.key, member);
  }

  /** Finds who has a name, or one that looks like it. */
  holderOf(nick: string): Member | undefined {
    return this.#members.get(nickKey(nick));
  }

  find(nick: string): Member | undefined {
    return exactly(nick, this.holderOf(nick));
  }

  /**
   * Checks that a name is the member's own or free.
   *
   * @throws {ChatError} Someone else has it, or one that looks like it.
   */
  checkFree(member: Member, nick: string): void {
    const holder = this.holderOf(nick);
    if (holder !== undefined && holder !== member) throw nickTaken(nick, holder.nick);
  }

  rename(member: Member, nick: string): void {
    this.checkFree(member, nick);
    this.#members.delete(member.key);
    member.nick = nick;
    this.#members.set(member.key, member);
  }

  enter(): boolean {
    return true;
  }

  leave(): void {
    // The room knows.
  }

  update(): void {
    // The member knows.
  }

  remove(member: Member): void {
    this.#members.delete(member.key);
  }

  elsewhere(): [] {
    return [];
  }

  hasClaimElsewhere(): boolean {
    return false;
  }

  roomsElsewhere(): [] {
    return [];
  }

  deliver(): Promise<void> {
    return Promise.reject(new Error("there is no other server"));
  }

  announce(): void {
    // There is no other server.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#members.clear());
  }
}

/** An exact match, not a look-alike: a private message must not go to someone else. */
export function exactly<T extends { readonly nick: string }>(nick: string, found: T | undefined): T | undefined {
  return found !== undefined && keyOf(found.nick) === keyOf(nick.normalize("NFKC")) ? found : undefined;
}

/** The requested name, or one that looks like it, is in use. */
export function nickTaken(nick: string, taken: string): ChatError {
  const message = keyOf(nick) === keyOf(taken)
    ? `The name ${taken} is taken`
    : `The name ${nick} looks like ${taken}, which is taken`;
  return new ChatError("nick-taken", message, { field: "nick" });
}
