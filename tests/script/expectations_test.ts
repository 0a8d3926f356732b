import { assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { TimeoutError } from "../../src/base/errors.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import { Expectations } from "../../src/script/expectations.ts";
import { Inbox } from "../../src/script/inbox.ts";
import { drip, FakeTime } from "../support/fake_time.ts";

const TIMEOUT_MS = 1_000;

/** Expectations of a stream, with a time limit of one second. */
function expecting() {
  const inbox = new Inbox(false);
  const session = { kind: "stream", remote: parseEndpoint("tcp://db:1"), closeFrame: undefined } as const;
  const say = (text: string) => inbox.push({ data: utf8(text), isText: false });
  return { inbox, say, expectations: new Expectations(session, inbox, new Map(), TIMEOUT_MS) };
}

const WAITS: Readonly<Record<string, (expectations: Expectations) => Promise<unknown>>> = {
  "pattern() of a text": (expectations) => expectations.pattern({ kind: "bytes", bytes: utf8("xy") }, utf8("xy")),
  "pattern() of a match that may go on": (expectations) =>
    expectations.pattern({ kind: "regex", source: "x+" }, undefined),
  "pattern() of exact bytes": (expectations) =>
    expectations.pattern({ kind: "exact", bytes: utf8("x".repeat(1_000)) }, utf8("x")),
  "close()": (expectations) => expectations.close(undefined),
  "reset()": (expectations) => expectations.reset(),
};

for (const [what, wait] of Object.entries(WAITS)) {
  Deno.test(`Expectations.${what} limits the whole wait, although a byte arrives now and then`, async () => {
    using time = new FakeTime();
    const { say, expectations } = expecting();
    const ended = wait(expectations).catch(() => {});
    assertEquals(await drip(time, { everyMs: 40, send: () => say("x"), ended, maxMs: 60_000 }), TIMEOUT_MS);
  });
}

Deno.test("Expectations.reply() must begin in time", async () => {
  for (const quietMs of [undefined, 50]) {
    using time = new FakeTime();
    const late = expecting();
    const ended = assertRejects(() => late.expectations.reply(quietMs), TimeoutError, "sent no reply within 1s");
    await time.advance(999);
    const { say, expectations, inbox } = expecting();
    const reply = expectations.reply(quietMs);
    await time.advance(1);
    await ended;
    await time.advance(998);
    say("in time");
    inbox.end("ended");
    assertEquals((await reply).data, utf8("in time"));
  }
});

Deno.test("Expectations.reply() until the end takes a reply that goes on for longer than the time to begin", async () => {
  using time = new FakeTime();
  const { say, expectations, inbox } = expecting();
  const reply = expectations.reply(undefined);
  assertEquals(await drip(time, { everyMs: 999, send: () => say("x"), ended: reply, maxMs: 20_000 }), Infinity);
  inbox.end("ended");
  assertEquals((await reply).data, utf8("x".repeat(21)));
});

Deno.test("Expectations.reply() until the end fails if neither data nor the end has followed the last byte in time", async () => {
  using time = new FakeTime();
  const { say, expectations } = expecting();
  let failure: unknown;
  const reply = expectations.reply(undefined).catch((error: unknown) => failure = error);
  for (let index = 0; index < 5; index++) {
    say("x");
    await time.advance(999);
  }
  assertEquals(failure, undefined);
  await time.advance(1);
  await reply;
  assertEquals(String(failure), "TimeoutError: tcp://db:1 did not close the connection within 1s of the last byte");
});

Deno.test("Expectations.reply() until it is quiet ends with the first pause of that length", async () => {
  using time = new FakeTime();
  const { say, expectations } = expecting();
  let received: Uint8Array | undefined;
  const reply = expectations.reply(50).then(({ data }) => received = data);
  assertEquals(await drip(time, { everyMs: 49, send: () => say("x"), ended: reply, maxMs: 4_900 }), Infinity);
  assertEquals(received, undefined);
  await time.advance(1);
  await reply;
  assertEquals(received, utf8("x".repeat(100)));
});
