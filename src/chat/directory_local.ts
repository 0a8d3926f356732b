import { ChatError } from "./chat_error.ts";
import type { Directory } from "./directory.ts";
import type { Member } from "./member.ts";
import { keyOf } from "./names.ts";

/** The people of one server that stands alone. */
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

  newcomer(): { id: string; nick: string } {
    const id = String(++this.#arrivals);
    for (;;) {
      const nick = `guest${++this.#guests}`;
      if (!this.#members.has(nick)) return { id, nick };
    }
  }

  add(member: Member): void {
    this.#members.set(member.key, member);
  }

  find(nick: string): Member | undefined {
    return this.#members.get(keyOf(nick));
  }

  rename(member: Member, nick: string): void {
    const holder = this.find(nick);
    if (holder !== undefined && holder !== member) throw nickTaken(holder.nick);
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

  roomsElsewhere(): [] {
    return [];
  }

  tell(): Promise<void> {
    return Promise.reject(new Error("there is no other server"));
  }

  announce(): void {
    // There is no other server.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#members.clear());
  }
}

/** What is told to who wants a name that someone has. */
export function nickTaken(nick: string): ChatError {
  return new ChatError("nick-taken", `The name ${nick} is taken`, { field: "nick" });
}
