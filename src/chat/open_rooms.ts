import { ChatError } from "./chat_error.ts";
import type { History } from "./history.ts";
import { keyOf } from "./names.ts";
import { Room, type RoomHost } from "./room.ts";

/** The open rooms of this server. */
export class OpenRooms {
  readonly #history: History;
  readonly #host: RoomHost;
  readonly #maxRooms: number;
  readonly #rooms = new Map<string, Room>();
  readonly #opening = new Map<string, Promise<Room>>();

  constructor(history: History, host: RoomHost, maxRooms: number) {
    this.#history = history;
    this.#maxRooms = maxRooms;
    this.#host = host;
  }

  /** All of them. */
  get all(): Iterable<Room> {
    return this.#rooms.values();
  }

  /** The one with that key. */
  get(key: string): Room | undefined {
    return this.#rooms.get(key);
  }

  /**
   * Returns the room with that name; opens it if necessary.
   *
   * @throws {ChatError} There are too many rooms, or the history cannot be read.
   */
  async open(name: string): Promise<Room> {
    const key = keyOf(name);
    for (;;) {
      const room = this.#rooms.get(key);
      if (room !== undefined) return room;
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
      const opened = await opening;
      // Another waiting member may have left it again, which closes it.
      if (this.#rooms.get(key) === opened) return opened;
    }
  }

  /** Closes the room if it is empty. */
  closeIfEmpty(room: Room): void {
    if (room.size > 0 || this.#rooms.get(room.key) !== room) return;
    this.#rooms.delete(room.key);
    room.close();
  }

  async #open(name: string): Promise<Room> {
    const room = new Room(name, this.#host);
    const log = await this.#history.open(
      name,
      (message, isForeign) => room.onMessage(message, isForeign),
      (decision) => room.onDecision(decision),
    );
    room.open(log);
    this.#rooms.set(room.key, room);
    return room;
  }
}
