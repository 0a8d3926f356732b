import { Participant } from "./participant.ts";
import type { Room } from "./room.ts";

/** Rooms whose operator it is, other than by its login. */
export function claimedRooms(member: Member): string[] {
  return [...member.rooms.values()].filter(({ operators }) => operators.has(member)).map(({ key }) => key);
}

/** A connected client and its rooms. */
export class Member extends Participant {
  /** Rooms by key, in the order of joining. */
  readonly rooms = new Map<string, Room>();
  /** The current room, for lines without a command. */
  current: Room | undefined;
}
