import { converse } from "../chat/converse.ts";
import { createMemoryHistory } from "../chat/history_memory.ts";
import { createSqliteHistory } from "../chat/history_sqlite.ts";
import { Hub, JSON_SUBPROTOCOL } from "../chat/hub.ts";
import { defineService } from "./service.ts";

/** Messages of each room that are kept in memory, and in a file. */
const MEMORY_MESSAGES = 1_000;
const SQLITE_MESSAGES = 100_000;

/** Rooms for people and programs; design section 7. */
export const chat = defineService({
  name: "chat",
  summary: "rooms in which people and programs talk to each other",
  endpoints: ["tcp://127.0.0.1:8028"],
  framing: "line",
  asksForLogIn: true,
  flags: {
    history: { type: "text", placeholder: "FILE", help: "keep the messages in this SQLite database, not in memory" },
    historyCount: {
      type: "integer",
      least: 1,
      help: "keep N messages of each room (default 1000, with --history 100000)",
    },
    historyAge: { type: "duration", help: "forget messages that are older than TIME" },
  },
  examples: [
    { words: "chat", does: "chat on 127.0.0.1:8028; try it with: nc 127.0.0.1 8028" },
    { words: "chat --history chat.db", does: "the same, and every message survives the server" },
  ],
  create({ history: path, historyCount, historyAge: maxAgeMs }, { log, authenticator }) {
    const history = path === undefined
      ? createMemoryHistory({ retention: { maxMessages: historyCount ?? MEMORY_MESSAGES, maxAgeMs } })
      : createSqliteHistory({ path, log, retention: { maxMessages: historyCount ?? SQLITE_MESSAGES, maxAgeMs } });
    const hub = new Hub({ log, authenticator, history });
    return {
      subprotocols: [JSON_SUBPROTOCOL],
      serve: (session) => converse(hub, session),
      drain: () => hub.drain(),
      [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
    };
  },
});
