import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { RateLimitedSession } from "../../src/session/rate_limited_session.ts";
import type { Message, Session } from "../../src/session/session.ts";

/** A session of which only these few members are used: it gives one batch and then the end. */
function sessionOf(texts: string[]): Session {
  const batches: (Message[] | null)[] = [texts.map((text) => ({ data: utf8(text), isText: false })), null];
  return {
    receive: () => Promise.resolve(batches.shift() ?? null),
    drain: () => {},
    close: () => {},
  } as unknown as Session;
}

async function textsOf(session: Session): Promise<string[]> {
  const texts: string[] = [];
  for (let batch = await session.receive(); batch; batch = await session.receive()) {
    texts.push(...batch.map(({ data }) => new TextDecoder().decode(data)));
  }
  return texts;
}

Deno.test("RateLimitedSession slows messages down and loses none", async () => {
  const startMs = performance.now();
  const session = new RateLimitedSession(sessionOf(["1", "2", "3", "4"]), { messagesPerSecond: 2 });
  assertEquals(await textsOf(session), ["1", "2", "3", "4"]);
  const tookMs = performance.now() - startMs;
  assert(tookMs >= 990, `two messages beyond the burst took ${tookMs} ms`);
});

Deno.test("RateLimitedSession counts bytes", async () => {
  const startMs = performance.now();
  const session = new RateLimitedSession(sessionOf(["x".repeat(100), "x".repeat(50)]), { bytesPerSecond: 100 });
  assertEquals((await textsOf(session)).map((text) => text.length), [100, 50]);
  const tookMs = performance.now() - startMs;
  assert(tookMs >= 490, `50 bytes beyond the burst took ${tookMs} ms`);
});

Deno.test("RateLimitedSession returns what it has read at once when the session drains", async () => {
  const session = new RateLimitedSession(sessionOf(["1", "2", "3"]), { messagesPerSecond: 1 });
  await session.receive();
  const second = session.receive();
  session.drain();
  assertEquals((await second)?.length, 1);
  assertEquals((await session.receive())?.length, 1);
});
