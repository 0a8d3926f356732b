import type { ChatEvent } from "./event.ts";
import type { Wire } from "./wire.ts";

/** One JSON object a message, for programs. */
export const jsonWire: Wire = {
  name: "json",
  showsOwn: true,
  maxPeople: 500,
  maxRooms: 100,
  encode: (event: ChatEvent) => event.type === "help" ? [] : [JSON.stringify(event)],
};
