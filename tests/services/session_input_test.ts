import { assertEquals, assertRejects } from "@std/assert";
import { ResetError } from "../../src/base/errors.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { answerBatch, discardInput, echoBatch } from "../../src/services/session_input.ts";
import type { Message } from "../../src/session/session.ts";
import { FakeSession } from "../support/fake_session.ts";

/** A session that notes how each message is sent, and may have an outbox without room. */
class NotedSession extends FakeSession {
  readonly calls: string[] = [];
  canSendBack = false;

  override send(data: Uint8Array): boolean {
    this.calls.push(`send ${new TextDecoder().decode(data)}`);
    return !this.isFull;
  }

  override write(data: Uint8Array): Promise<void> {
    this.calls.push(`write ${new TextDecoder().decode(data)}`);
    return Promise.resolve();
  }

  override flush(): Promise<void> {
    this.calls.push("flush");
    return Promise.resolve();
  }

  sendBack(batch: readonly Message[]): boolean {
    if (this.canSendBack) this.calls.push(`send back ${batch.length}`);
    return this.canSendBack;
  }
}

const messages = (...texts: string[]) => texts.map((text): Message => ({ data: utf8(text), isText: true }));
const upper = ({ data }: Message) => utf8(new TextDecoder().decode(data).toUpperCase());

Deno.test("answerBatch() writes the answer to one message, and sends those to several before it flushes", async () => {
  const session = new NotedSession();
  await answerBatch(session, messages("a"), upper);
  assertEquals(session.calls.splice(0), ["write A"]);
  await answerBatch(session, messages("a", "b"), upper);
  assertEquals(session.calls.splice(0), ["send A", "send B", "flush"]);
  await answerBatch(session, [], upper);
  assertEquals(session.calls, ["flush"]);
});

Deno.test("answerBatch() waits for room in a full outbox, and for a client with too much to read", async () => {
  const session = new NotedSession();
  session.isFull = true;
  await answerBatch(session, messages("a", "b"), upper);
  assertEquals(session.calls.splice(0), ["send A", "write A", "send B", "write B", "flush"]);
  session.isFull = false;
  session.queuedBytes = 256 * 1024;
  await answerBatch(session, messages("a", "b"), upper);
  assertEquals(session.calls.splice(0), ["send A", "send B", "flush"]);
  session.queuedBytes++;
  await answerBatch(session, messages("a", "b"), upper);
  assertEquals(session.calls, ["send A", "flush", "send B", "flush", "flush"]);
});

Deno.test("echoBatch() sends several messages back at once if the session can", async () => {
  const session = new NotedSession();
  session.canSendBack = true;
  await echoBatch(session, messages("a", "b"));
  assertEquals(session.calls.splice(0), ["send back 2", "flush"]);
  await echoBatch(session, messages("a"));
  assertEquals(session.calls.splice(0), ["write a"]);
  session.canSendBack = false;
  await echoBatch(session, messages("a", "b"));
  assertEquals(session.calls, ["send a", "send b", "flush"]);
});

Deno.test("discardInput() ends with the client or the signal, and fails with the client's reset", async () => {
  const ended = new FakeSession();
  ended.say("a", "b");
  const discarding = discardInput(ended);
  await ended.idle();
  ended.close("peer closed");
  await discarding;
  const failing = Object.assign(new FakeSession(), { receive: () => Promise.reject(new ResetError("reset")) });
  await assertRejects(() => discardInput(failing), ResetError);
  await assertRejects(() => discardInput(failing, new AbortController().signal), ResetError);
  await discardInput(failing, AbortSignal.abort());
});
