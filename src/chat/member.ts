import { Participant } from "./participant.ts";
import type { Room } from "./room.ts";

/** One client of the chat, and where it is. */
export class Member extends Participant {
  /** Rooms by key, the one joined last at the end. */
  readonly rooms = new Map<string, Room>();
  /** The room that a line without a command goes to. */
  current: Room | undefined;
}
