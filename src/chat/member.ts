import { Participant } from "./participant.ts";
import type { Room } from "./room.ts";

/** The rooms that it is an operator of in its own right, not by its log-in. */
export function claimedRooms(member: Member): string[] {
  return [...member.rooms.values()].filter(({ operators }) => operators.has(member)).map(({ key }) => key);
}

/** One client of the chat, and where it is. */
export class Member extends Participant {
  /** Rooms by key, the one joined last at the end. */
  readonly rooms = new Map<string, Room>();
  /** The room that a line without a command goes to. */
  current: Room | undefined;
}
