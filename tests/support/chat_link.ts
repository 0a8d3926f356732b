import { RefusedError } from "@parley/parley";
import type { ChatEvent } from "../../src/chat/event.ts";
import { ChatLink, type ChatLinkOptions } from "../../src/commands/client/chat/link.ts";
import { FakeSession } from "./fake_session.ts";

export const WELCOME = { type: "welcome", nick: "guest1", motd: [], loginRequired: false };

/** The event of a client that has joined #dev. */
export function joined(fields: Readonly<Record<string, unknown>> = {}) {
  return { type: "joined", room: "#dev", epoch: "e1", seq: 0, topic: "", resumed: false, members: [], ...fields };
}

/** A message of #dev. */
export function message(seq: number, epoch = "e1") {
  return { type: "message", room: "#dev", seq, epoch, at: "2026-11-22T06:00:00Z", from: "ann", text: `text ${seq}` };
}

/** A link whose connections are these sessions, one after the other. */
export function createLink(sessions: readonly FakeSession[], options: Partial<ChatLinkOptions> = {}) {
  const events: ChatEvent[] = [];
  const statuses: string[] = [];
  const left = [...sessions];
  const link = new ChatLink({
    dial: () => {
      const session = left.shift();
      return session ? Promise.resolve(session) : Promise.reject(new RefusedError("nobody there"));
    },
    rooms: ["#dev"],
    reconnectMs: 60_000,
    greetingMs: 60_000,
    onEvent: (event) => void events.push(event),
    onStatus: (text) => statuses.push(text),
    ...options,
  });
  return { link, events, statuses };
}

/** A session with the chat over WebSocket. */
export function webSocket(): FakeSession {
  return new FakeSession({ kind: "websocket", subprotocol: "parley.v1" });
}

/** Lines as JSON. */
export const requestsOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));
