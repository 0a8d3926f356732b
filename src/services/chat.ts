import { converse } from "../chat/converse.ts";
import { createMemoryHistory } from "../chat/history_memory.ts";
import { Hub, JSON_SUBPROTOCOL } from "../chat/hub.ts";
import { defineService } from "./service.ts";

/** Rooms for people and programs; design section 7. */
export const chat = defineService({
  name: "chat",
  summary: "rooms in which people and programs talk to each other",
  endpoints: ["tcp://127.0.0.1:8028"],
  framing: "line",
  asksForLogIn: true,
  flags: {},
  examples: [
    { words: "chat", does: "chat on 127.0.0.1:8028; try it with: nc 127.0.0.1 8028" },
  ],
  create(_flags, { log, authenticator }) {
    const hub = new Hub({ log, authenticator, history: createMemoryHistory({ retention: { maxMessages: 1_000 } }) });
    return {
      subprotocols: [JSON_SUBPROTOCOL],
      serve: (session) => converse(hub, session),
      drain: () => hub.drain(),
      [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
    };
  },
});
