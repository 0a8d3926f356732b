import type { ChatEvent } from "./event.ts";

/** One way of saying events to a client. */
export interface Wire {
  readonly name: "text" | "json";
  /** Whether a client is shown its own messages when they are stored; where it typed them, it has seen them. */
  readonly showsOwn: boolean;
  /** Most people that it names in a list before it only counts them; without it all. */
  readonly namesMost?: number;
  /** The event as messages of the wire, none where this wire does not say it. */
  encode(event: ChatEvent): readonly string[];
}
