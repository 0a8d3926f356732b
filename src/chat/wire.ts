import type { ChatEvent } from "./event.ts";

/** One way of saying events to a client. */
export interface Wire {
  readonly name: "text" | "json";
  /** Whether a client is shown its own messages when they are stored; where it typed them, it has seen them. */
  readonly showsOwn: boolean;
  /** Maximum people in one answer; the rest are counted. */
  readonly maxPeople: number;
  /** Maximum rooms in one answer; the rest are counted. */
  readonly maxRooms: number;
  /** The event as messages of the wire, none where this wire does not say it. */
  encode(event: ChatEvent): readonly string[];
}
