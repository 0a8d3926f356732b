import { assertEquals, assertThrows } from "@std/assert";
import { ChatError } from "../../src/chat/chat_error.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { handleJson } from "../../src/chat/json_input.ts";
import type { Member } from "../../src/chat/member.ts";
import { Logger } from "../../src/log/logger.ts";

Deno.test("handleJson() rejects bytes that are not UTF-8, and ignores blank lines", async () => {
  await using hub = new Hub({
    log: Logger.of("test"),
    history: createMemoryHistory({ retention: { maxMessages: 9 } }),
  });
  const member = { isAdmitted: true } as Member;
  const handle = (...bytes: number[]) => handleJson(hub, member, Uint8Array.from(bytes));
  const error = assertThrows(() => handle(0x22, 0xff, 0x22), ChatError, "That message is not UTF-8");
  assertEquals(error.code, "not-text");
  assertEquals([handle(), handle(0x20, 0x0d)], [undefined, undefined]);
  assertThrows(() => handle(0x7b), ChatError);
});
