import type { ChatEvent, Person } from "../../../chat/event.ts";
import { keyOf } from "../../../chat/names.ts";
import { CHAT_COMMANDS } from "../../../chat/commands/mod.ts";

/** Completions: members of the rooms, and commands. */
export class KnownNames {
  /** Names by key, by room key. */
  readonly #rooms = new Map<string, Map<string, string>>();

  /** Applies join and leave events. */
  onEvent(event: ChatEvent): void {
    switch (event.type) {
      case "joined":
        this.#rooms.set(keyOf(event.room), new Map());
        return this.#add(event.room, event.members);
      case "who":
        // Adds a page of members.
        return this.#add(event.room, event.members);
      case "left":
        return void this.#rooms.delete(keyOf(event.room));
      case "join":
        return void this.#rooms.get(keyOf(event.room))?.set(keyOf(event.nick), event.nick);
      case "leave":
        return void this.#rooms.get(keyOf(event.room))?.delete(keyOf(event.nick));
      case "nick":
        for (const names of this.#rooms.values()) {
          if (names.delete(keyOf(event.from))) names.set(keyOf(event.to), event.to);
        }
    }
  }

  #add(room: string, members: readonly Person[]): void {
    const names = this.#rooms.get(keyOf(room));
    for (const { nick } of members) names?.set(keyOf(nick), nick);
  }

  /** Completes the last word to a name in the room, or the first to a command; `undefined` if none matches. */
  complete(before: string, room: string | undefined): string | undefined {
    const word = before.split(/\s/).at(-1) ?? "";
    if (word === "") return undefined;
    const start = before.slice(0, before.length - word.length);
    if (start === "" && word.startsWith("/")) {
      const command = first(CHAT_COMMANDS.map(({ name }) => `/${name}`), word);
      return command && `${command} `;
    }
    const nick = first(this.#rooms.get(keyOf(room ?? ""))?.values() ?? [], word);
    return nick && `${start}${nick}${start === "" ? ": " : " "}`;
  }
}

function first(words: Iterable<string>, begin: string): string | undefined {
  return [...words].filter((word) => keyOf(word).startsWith(keyOf(begin))).sort()[0];
}
