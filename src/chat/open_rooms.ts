import { ChatError } from "./chat_error.ts";
import type { RoomSummary } from "./event.ts";
import type { History } from "./history.ts";
import { keyOf } from "./names.ts";
import { Room, type RoomHost } from "./room.ts";

/** The open rooms of this server. */
export class OpenRooms {
  readonly #history: History;
  readonly #host: RoomHost;
  readonly #maxRooms: number;
  readonly #rooms = new Map<string, Room>();
  readonly #opening = new Map<string, Promise<void>>();

  constructor(history: History, host: RoomHost, maxRooms: number) {
    this.#history = history;
    this.#maxRooms = maxRooms;
    this.#host = host;
  }

  /** All of them. */
  get all(): Iterable<Room> {
    return this.#rooms.values();
  }

  /** What is shown of all of them, and of those on other servers. */
  summaries(roomsElsewhere: readonly RoomSummary[]): RoomSummary[] {
    const elsewhere = new Map(roomsElsewhere.map((summary) => [keyOf(summary.room), summary]));
    const here = Array.from(this.#rooms.values(), ({ key, name, size, topic }) => {
      const members = size + (elsewhere.get(key)?.members ?? 0);
      elsewhere.delete(key);
      return { room: name, members, topic };
    });
    return [...here, ...elsewhere.values()];
  }

  /** The one with that key. */
  get(key: string): Room | undefined {
    return this.#rooms.get(key);
  }

  /**
   * Opens the room with that name, which is not open.
   *
   * @throws {ChatError} There are too many rooms, or the history cannot be read.
   */
  async open(name: string): Promise<void> {
    const key = keyOf(name);
    let opening = this.#opening.get(key);
    if (opening === undefined) {
      if (this.#rooms.size + this.#opening.size >= this.#maxRooms) {
        throw new ChatError("too-many-rooms", `This server has ${this.#maxRooms} rooms, the maximum`, {
          field: "room",
        });
      }
      opening = this.#open(name).finally(() => this.#opening.delete(key));
      this.#opening.set(key, opening);
    }
    await opening;
  }

  /** Closes the room if it is empty. */
  closeIfEmpty(room: Room): void {
    if (room.size > 0 || this.#rooms.get(room.key) !== room) return;
    this.#rooms.delete(room.key);
    room.close();
  }

  async #open(name: string): Promise<void> {
    const room = new Room(name, this.#host);
    const log = await this.#history.open(
      name,
      (message, isForeign) => room.onMessage(message, isForeign),
      (decision) => room.onDecision(decision),
    );
    room.open(log);
    this.#rooms.set(room.key, room);
  }
}
