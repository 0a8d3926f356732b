/**
 * What clients of both wires see, whole: `transcripts/*.txt` has what each of
 * them does, and below it, indented, every line that this sends to anyone.
 *
 * `NAME enters WIRE ADDRESS LOGIN`, `NAME > LINE` and `NAME leaves REASON`
 * are done in turn; what differs between two runs is shown as `<at>` and `<epoch>`,
 * and the epoch that was shown last can be used in what is sent.
 *
 * After a message was changed, run it with `-- --update` and read the difference.
 */

import { Logger } from "@parley/parley";
import { runChatSession } from "../../src/chat/chat_session.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub, type HubOptions } from "../../src/chat/hub.ts";
import { MessageRates } from "../../src/chat/message_rate.ts";
import "../../src/chat/moderation.ts";
import type { CloseReason } from "../../src/net/close_reason.ts";
import { FakeSession } from "../support/fake_session.ts";
import { replayScript } from "../support/replay_script.ts";

/** Names and their passwords, and what they may do. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  root: ["operator"],
  ann: ["operator:#tea"],
  bob: [],
};
const authenticator = {
  verify: (name: string, password: string) =>
    Promise.resolve(password === `${name}'s` && name in ROLES ? { name, roles: ROLES[name] ?? [] } : undefined),
};

const SERVERS: Readonly<Record<string, Partial<HubOptions>>> = {
  "people.txt": { motd: ["Be kind", "and brief"] },
  "log_in.txt": { authenticator },
  "moderation.txt": {},
  "json.txt": {},
  "refusals.txt": { maxRooms: 3 },
  "resume.txt": {},
  "rooms.txt": {},
};

/** A client, and how its conversation ended. */
class Client {
  readonly session: FakeSession;
  outcome: string | undefined;

  constructor(hub: Hub, [wire, remote = "127.0.0.1:1", login]: readonly string[]) {
    const kind = wire === "json" ? { kind: "websocket", subprotocol: JSON_SUBPROTOCOL } as const : {};
    const proof = login === undefined ? {} : { identity: { name: login, roles: ROLES[login] ?? [] } };
    this.session = new FakeSession({ ...kind, remote, ...proof });
    const options = { rates: new MessageRates({ perSecond: 0, burst: 5 }), logInTimeoutMs: 10_000 };
    void runChatSession(hub, this.session, options).then(() => this.#end("done"), (error) => this.#end(String(error)));
  }

  #end(how: string): void {
    this.session.close("done");
    this.outcome = `(${this.session.closeReason}: ${how})`;
  }

  /** What it was sent since the last call. */
  take(): string[] {
    const lines = this.session.take();
    if (this.outcome !== undefined) lines.push(this.outcome);
    return lines;
  }
}

/** Without what differs between two runs. */
function normalized(line: string): string {
  return line.replaceAll(/"epoch":"[0-9a-f]{8}"/g, '"epoch":"<epoch>"')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<at>")
    .replaceAll(/ (?:\d{4}-\d\d-\d\d )?\d\d:\d\d\]/g, " <at>]")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, "<at>");
}

/** A line with `\n`, `\t` and `\u0000` for what they stand for. */
function withEscapes(line: string): string {
  return JSON.parse(`"${line.replaceAll('"', '\\"')}"`);
}

/** A line of a script: what is done, and what came of it. */
function replayer(hub: Hub): (line: string) => Promise<string[]> {
  const clients = new Map<string, Client>();
  let epoch = "";
  return async (line) => {
    const [, name = "", what = "", rest = ""] = /^(\w+) (enters|leaves|>) (.*)$/.exec(line) ?? [];
    if (what === "enters") clients.set(name, new Client(hub, rest.split(" ")));
    else if (what === ">") clients.get(name)?.session.say(withEscapes(rest.replaceAll("<epoch>", epoch)));
    else if (what === "leaves") clients.get(name)?.session.close(rest as CloseReason);
    await clients.get(name)?.session.idle();
    // Broadcasts leave at the end of the turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const seen: string[] = [];
    for (const [name, client] of clients) {
      for (const line of client.take()) {
        epoch = /"epoch":"([0-9a-f]{8})"/.exec(line)?.[1] ?? epoch;
        seen.push(`${name}: ${normalized(line)}`);
      }
      if (client.outcome !== undefined) clients.delete(name);
    }
    return seen;
  };
}

for (const [name, extras] of Object.entries(SERVERS)) {
  Deno.test(`clients see what ${name} shows`, async () => {
    const history = createMemoryHistory({ retention: { maxMessages: 5 } });
    await using hub = new Hub({ log: Logger.of("test"), history, ...extras });
    await hub.start();
    await replayScript(`../chat/transcripts/${name}`, replayer(hub));
  });
}
