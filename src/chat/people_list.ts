import type { People, Person } from "./event.ts";
import { keyOf } from "./names.ts";
import { badCursor, firstOf } from "./paging.ts";
import type { Participant } from "./participant.ts";

/** A page, and the members on it. */
interface FirstPage {
  readonly page: People;
  readonly members: readonly Participant[];
}

/** The people in a room as lists, in pages. */
export class PeopleList {
  readonly #members: ReadonlyMap<Participant, { readonly number: number }>;
  readonly #isOperator: (member: Participant) => boolean;
  /** By length. In a crowd each newcomer receives the same one, so it is made and encoded once. */
  readonly #firstPages = new Map<number, FirstPage>();

  /** `members` are those of this server in the order of joining, each with a larger number. */
  constructor(
    members: ReadonlyMap<Participant, { readonly number: number }>,
    isOperator: (member: Participant) => boolean,
  ) {
    this.#members = members;
    this.#isOperator = isOperator;
  }

  /** Must be called when a member has left. */
  onLeft(): void {
    this.#firstPages.clear();
  }

  /** The first `max`. */
  first(max: number, elsewhere: readonly Person[]): People {
    if (this.#members.size <= max) return this.after("0", max, elsewhere);
    let first = this.#firstPages.get(max);
    if (first === undefined || !this.#isCurrent(first)) {
      first = { page: this.after("0", max, []), members: [...this.#members.keys().take(max)] };
      this.#firstPages.set(max, first);
    }
    const { members, next } = first.page;
    return { members, more: this.#members.size + elsewhere.length - max, next };
  }

  /** A plain loop, because each newcomer waits for it. */
  #isCurrent({ page, members }: FirstPage): boolean {
    for (let index = 0; index < members.length; index++) {
      const member = members[index];
      const person = page.members[index];
      if (member === undefined || person?.nick !== member.nick) return false;
      if (person.operator !== this.#isOperator(member)) return false;
    }
    return true;
  }

  /**
   * At most `max` after a cursor: members of this server, then those elsewhere by name.
   *
   * @throws {ChatError} The cursor is invalid.
   */
  after(cursor: string, max: number, elsewhere: readonly Person[]): People {
    const [, lastNumber, lastKey] = /^(?:(\d{1,9})|@(.{1,64}))$/.exec(cursor) ?? [];
    if (lastNumber === undefined && lastKey === undefined) throw badCursor();
    const members: Person[] = [];
    let next = cursor;
    let passed = 0;
    for (const [member, { number }] of this.#members) {
      if (members.length >= max) break;
      if (number <= Number(lastNumber ?? Infinity)) passed++;
      else {
        members.push({ nick: member.nick, operator: this.#isOperator(member) });
        next = String(number);
      }
    }
    const rest = lastKey === undefined ? elsewhere : elsewhere.filter(({ nick }) => keyOf(nick) > lastKey);
    passed += elsewhere.length - rest.length;
    for (const person of firstOf(rest, max - members.length, (a, b) => keyOf(a.nick) < keyOf(b.nick) ? -1 : 1)) {
      members.push(person);
      next = `@${keyOf(person.nick)}`;
    }
    const more = this.#members.size + elsewhere.length - passed - members.length;
    return more > 0 ? { members, more, next } : { members };
  }
}
