import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import { JSON_SUBPROTOCOL, jsonFormat } from "../../src/chat/event_format.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { readInput } from "../../src/chat/input.ts";
import { handleJson } from "../../src/chat/json_input.ts";
import type { Member } from "../../src/chat/member.ts";
import { Logger } from "../../src/log/logger.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { FakeSession } from "../support/fake_session.ts";

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 9 } }) });
}

Deno.test("handleJson() rejects bytes that are not UTF-8, and ignores blank lines", async () => {
  await using hub = createHub();
  const member = { isAdmitted: true } as Member;
  const handle = (...bytes: number[]) => handleJson(hub, member, readInput(Uint8Array.from(bytes), jsonFormat));
  const error = assertThrows(() => handle(0x22, 0xff, 0x22), ChatError, "That message is not UTF-8");
  assertEquals(error.code, "not-text");
  assertEquals([handle(), handle(0x20, 0x0d)], [undefined, undefined]);
  assertThrows(() => handle(0x7b), ChatError);
});

for (
  const request of [
    { type: "rooms" },
    { type: "who", room: "#a" },
    { type: "history", room: "#a" },
    { type: "join", room: "#a" },
  ]
) {
  Deno.test(`handleJson() handles ${request.type} until a client that reads slowly can take more`, async () => {
    await using hub = createHub();
    const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    const member = hub.enter(session);
    await hub.join(member, "#a");
    session.queuedBytes = 128 * 1024;
    const read = Promise.withResolvers<void>();
    session.flush = () => read.promise;
    let isHandled = false;
    const handling = Promise.resolve(handleJson(hub, member, readInput(utf8(JSON.stringify(request)), jsonFormat)))
      .then(() => isHandled = true);
    await nextTurn();
    assertEquals(isHandled, false);
    read.resolve();
    await handling;
  });
}
