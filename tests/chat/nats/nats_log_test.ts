import { assertEquals, assertInstanceOf } from "@std/assert";
import { ChatError } from "../../../src/chat/chat_error.ts";
import type { Receipt } from "../../../src/chat/history.ts";
import type { Archive } from "../../../src/chat/nats/archive.ts";
import { NatsLog } from "../../../src/chat/nats/nats_log.ts";
import type { StoredMessage } from "../../../src/chat/nats/stored_message.ts";

type Found = () => Promise<StoredMessage | undefined>;

/** The reply to a repeated message, given what the archive finds. */
function repeat(text: string, find: Found): Promise<Receipt | ChatError> {
  const log = new NatsLog(
    {
      origin: "here",
      epoch: "e",
      archive: { find } as Pick<Archive, "find"> as Archive,
      store: () => Promise.resolve({ seq: 7, isDuplicate: true }),
      stateOf: () => undefined,
      decide: () => Promise.resolve(),
      reached: () => undefined,
      forget: () => {},
    },
    "#a",
    "#a",
    () => {},
    undefined,
  );
  return new Promise((resolve) => {
    log.publish({ from: "ann", text, id: "1" }, resolve);
    // If the message is delivered, its sender is notified afterwards.
    log.close();
  });
}

const original = { subject: "s", seq: 7, at: "", origin: "here", draft: { from: "ann", text: "x", id: "1" } };
const duplicate = { seq: 7, epoch: "e", isDuplicate: true };

Deno.test("a repeated message whose original cannot be read counts as a duplicate (chat M5)", async () => {
  assertEquals(await repeat("x", () => Promise.reject(new Error("no leader"))), duplicate);
  assertEquals(await repeat("x", () => Promise.resolve(undefined)), duplicate);
});

Deno.test("a repeated message is compared with the original that can be read (chat M5)", async () => {
  assertEquals(await repeat("x", () => Promise.resolve(original)), duplicate);
  const conflict = await repeat("y", () => Promise.resolve(original));
  assertInstanceOf(conflict, ChatError);
  assertEquals(conflict.code, "id-conflict");
});
