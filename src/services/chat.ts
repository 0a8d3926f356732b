import { messageOf, PermissionError, UsageError } from "../base/errors.ts";
import { cleanText } from "../chat/clean_text.ts";
import { converse } from "../chat/converse.ts";
import { createMemoryHistory } from "../chat/history_memory.ts";
import { createSqliteHistory } from "../chat/history_sqlite.ts";
import { Hub, JSON_SUBPROTOCOL } from "../chat/hub.ts";
import { defineService } from "./service.ts";

/** Messages of each room that are kept in memory, and in a file. */
const MEMORY_MESSAGES = 1_000;
const SQLITE_MESSAGES = 100_000;

const LOGIN_TIMEOUT_MS = 10_000;

/** Rooms for people and programs: lines of text for the ones, JSON for the others, and a page for browsers. */
export const chat = defineService({
  name: "chat",
  sharesState: true,
  summary: "rooms in which people and programs talk to each other",
  endpoints: ["tcp://127.0.0.1:8028", "ws://127.0.0.1:8765"],
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
    motd: { type: "text", placeholder: "FILE", help: "greet everyone with the lines of FILE" },
    messageRate: {
      type: "integer",
      help: "let each client send N messages a second, 0 for any number (default 2, and any number from loopback)",
    },
    messageBurst: { type: "integer", least: 1, default: 5, help: "after a pause, let it send N at once" },
  },
  examples: [
    { words: "chat", does: "for nc 127.0.0.1 8028, and for browsers at http://127.0.0.1:8765/" },
    { words: "chat --history chat.db", does: "the same, and every message survives the server" },
  ],
  async create(flags, { log, authenticator }) {
    const { history: path, historyCount, historyAge: maxAgeMs, motd, messageRate, messageBurst } = flags;
    const history = path === undefined
      ? createMemoryHistory({ retention: { maxMessages: historyCount ?? MEMORY_MESSAGES, maxAgeMs } })
      : createSqliteHistory({ path, log, retention: { maxMessages: historyCount ?? SQLITE_MESSAGES, maxAgeMs } });
    const hub = new Hub({ log, authenticator, history, motd: motd === undefined ? [] : await readMotd(motd) });
    const conversation = { messageRate, messageBurst, loginTimeoutMs: LOGIN_TIMEOUT_MS };
    // Only a chat pays for reading its page.
    const { PAGE_ROUTES } = await import("../chat/page/routes.ts");
    return {
      subprotocols: [JSON_SUBPROTOCOL],
      routes: PAGE_ROUTES,
      serve: (session) => converse(hub, session, conversation),
      drain: () => hub.drain(),
      [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
    };
  },
});

async function readMotd(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).trimEnd().split(/\r?\n/).map(cleanText);
  } catch (cause) {
    const what = `Cannot read "${path}" as the message of the day`;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`${what}: run again with --allow-read=${path}`, { cause });
    }
    if (cause instanceof Deno.errors.NotFound) throw new UsageError(`${what}: there is no such file`, { cause });
    throw new UsageError(`${what}: ${messageOf(cause)}`, { cause });
  }
}
