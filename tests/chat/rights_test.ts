/** Who may do what to whom: every combination, on a hub of its own. */

import { assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { utf8 } from "../../src/base/bytes.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { readInput } from "../../src/chat/input.ts";
import { handleText } from "../../src/chat/text_input.ts";
import { FakeSession } from "../support/fake_session.ts";

const WHO = ["stranger", "member", "muted", "op", "root"] as const;
const TARGETS = ["eve", "op2", "root2"] as const;

/** The operators of the room, and of the server. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  op: ["operator:#dev"],
  op2: ["operator:#dev"],
  root: ["operator"],
  root2: ["operator"],
  boss: ["operator"],
};

/** Who may do it; where it has a target that only some may be done it to, whom. */
const RIGHTS: Readonly<Record<string, (who: string, target: string) => boolean>> = {
  "hello": (who) => who !== "muted",
  "/me waves": (who) => who !== "muted",
  "/msg TARGET hello": () => true,
  "/who": () => true,
  "/rooms": () => true,
  "/topic tea": (who) => who === "op" || who === "root",
  "/kick TARGET": mayModerate,
  "/ban TARGET": mayModerate,
  "/mute TARGET": mayModerate,
  "/op TARGET": mayModerate,
  "/deop TARGET": mayModerate,
  "/ignore TARGET": () => true,
  "/announce tea": (who) => who === "root",
  "/server-kick TARGET": (who) => who === "root",
  "/server-ban TARGET": (who, target) => who === "root" && target !== "root2",
};

/** An operator of the room moderates everyone but operators of the server. */
function mayModerate(who: string, target: string): boolean {
  return who === "root" || who === "op" && target !== "root2";
}

async function type(hub: Hub, member: Member, line: string): Promise<void> {
  await handleText(hub, member, readInput(utf8(line), member.format));
}

async function enter(hub: Hub, name: string) {
  const member = hub.enter(new FakeSession({ remote: `192.0.2.${name.length}:1` }));
  if (name !== "stranger") {
    await type(hub, member, `/login ${name} pw`);
    await type(hub, member, "/join #dev");
  }
  return member;
}

/** Whether it was done; a `ChatError` means that it is not permitted. */
async function isDone(who: string, command: string, target: string): Promise<boolean> {
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  const authenticator = { verify: (name: string) => Promise.resolve({ name, roles: ROLES[name] ?? [] }) };
  await using hub = new Hub({ log: Logger.of("test"), history, authenticator });
  const moderator = await enter(hub, "boss");
  for (const name of TARGETS) await enter(hub, name);
  const member = await enter(hub, who);
  if (who === "muted") await type(hub, moderator, "/mute muted");
  try {
    await type(hub, member, command.replace("TARGET", target));
    return true;
  } catch (error) {
    if (error instanceof ChatError) return false;
    throw error;
  }
}

for (const [command, isAllowed] of Object.entries(RIGHTS)) {
  Deno.test(`${command}: only permitted members can use it, and only on permitted members`, async () => {
    for (const who of WHO) {
      for (const target of command.includes("TARGET") ? TARGETS : ["-"]) {
        const expected = who !== "stranger" && isAllowed(who, target);
        assertEquals(await isDone(who, command, target), expected, `${who}: ${command} ${target}`);
      }
    }
  });
}
