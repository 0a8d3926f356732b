import { assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../../../../src/base/bytes.ts";
import { ClosedEarlyError, ResetError, TimeoutError } from "../../../../src/base/errors.ts";
import { pipe, type PipeOptions } from "../../../../src/commands/client/connect/pipe.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { FakeSession } from "../../../support/fake_session.ts";
import { FakeTime } from "../../../support/fake_time.ts";

/** `connect` between standard streams and a session that the test controls; the input is what `type()` gives. */
function connectPipe(session: FakeSession, options: Partial<PipeOptions> = {}) {
  const typed: (string | null)[] = [];
  let wake = Promise.withResolvers<void>();
  const io = new FakeIo(async () => {
    while (typed.length === 0) {
      wake = Promise.withResolvers();
      await wake.promise;
    }
    const text = typed.shift() ?? null;
    return text === null ? null : utf8(text);
  });
  const ended: string[] = [];
  const outcome = pipe(session, io, {
    splitter: { push: (bytes) => [{ data: bytes.slice(), isText: false }], end: () => [] },
    render: ({ data }) => data,
    waitReplyMs: 1_000,
    waitInputMs: 2_000,
    stallMs: 3_000,
    onEnd: (side) => ended.push(side),
    signal: new AbortController().signal,
    ...options,
  });
  outcome.catch(() => {});
  const type = (...texts: (string | null)[]) => {
    typed.push(...texts);
    wake.resolve();
  };
  return { io, outcome, ended, type };
}

/** Whether it has settled by now. */
async function isSettled(outcome: Promise<void>): Promise<boolean> {
  const settled = outcome.then(() => true, () => true);
  return await Promise.race([settled, new Promise<false>((resolve) => queueMicrotask(() => resolve(false)))]);
}

Deno.test("pipe() does not count the time in which standard output is blocked", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const { io, outcome, type } = connectPipe(session);
  const blocked = Promise.withResolvers<void>();
  io.stdout.writeAsync = async (data) => {
    await blocked.promise;
    io.stdout.write(data);
  };
  type("a", null);
  session.say("reply");
  await time.advance(60_000);
  assertEquals(await isSettled(outcome), false);
  blocked.resolve();
  await time.advance(900);
  assertEquals([io.out, await isSettled(outcome)], ["reply", false]);
  await time.advance(200);
  const error = await assertRejects(
    () => outcome,
    TimeoutError,
    "did not close the connection within 1s of the last byte",
  );
  assertEquals(error.phase, "reply");
});

Deno.test("pipe() waits for a peer that reads slowly as long as it reads, and then for --stall", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  session.queuedBytes = 1_000;
  session.write = () => new Promise(() => {});
  const { outcome, type } = connectPipe(session);
  type("a");
  for (let index = 0; index < 10; index++) {
    session.queuedBytes -= 10;
    await time.advance(2_500);
  }
  assertEquals(await isSettled(outcome), false);
  await time.advance(1_000);
  const error = await assertRejects(() => outcome, TimeoutError, "did not accept any data for 3s");
  assertEquals(error.phase, "write");
});

Deno.test("pipe() waits for the rest of the input once the peer has ended, then returns", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const { outcome, ended, type } = connectPipe(session);
  type("a");
  session.close("peer closed");
  await time.advance(1_900);
  assertEquals([ended, await isSettled(outcome)], [["peer"], false]);
  await time.advance(200);
  await outcome;
});

Deno.test("pipe() reports input that the peer did not take, with the reason", async () => {
  const session = new FakeSession();
  session.write = () => Promise.reject(new ResetError("gone", { cause: new Deno.errors.ConnectionReset("x") }));
  const { outcome, type } = connectPipe(session);
  type("a", null);
  session.close("peer closed");
  await assertRejects(() => outcome, ResetError, "closed the connection before all input was sent");
});

Deno.test("pipe() treats silence after a reply as the end of a WebSocket, and a missing reply as a timeout", async () => {
  for (const [isAnswered, isServer] of [[true, false], [false, false], [false, true]]) {
    using time = new FakeTime();
    const session = new FakeSession({ kind: "websocket" });
    session.closeWrite = () => Promise.resolve(false);
    const { outcome, type } = connectPipe(session, { isServer: isServer ?? false });
    type("a");
    await time.advance(0);
    if (isAnswered) session.say("b");
    await time.advance(0);
    type(null);
    await time.advance(990);
    assertEquals([session.closeReason, await isSettled(outcome)], [undefined, false]);
    await time.advance(100);
    if (isAnswered || isServer) {
      await outcome;
      assertEquals(session.closeReason, "done");
    } else await assertRejects(() => outcome, TimeoutError, "sent no reply within 1s");
  }
});

for (
  const { name, options, writeEnds, error, says } of [
    {
      name: "keeps its side open through a proxy, and ends it only if there was no reply",
      options: { isProxied: true },
      writeEnds: 1,
      error: ClosedEarlyError,
      says: "sent no reply, or the proxy lost it at the half-close",
    },
    {
      name: "with --no-half-close never ends its side, and treats silence after a reply as its end",
      options: { isHalfCloseOff: true },
      writeEnds: 0,
      error: TimeoutError,
      says: "did not close the connection within 1s",
    },
  ] as const
) {
  Deno.test(`pipe() ${name}`, async () => {
    for (const isAnswered of [true, false]) {
      using time = new FakeTime();
      const session = new FakeSession();
      let ends = 0;
      session.closeWrite = () => Promise.resolve(++ends > 0);
      const { outcome, type } = connectPipe(session, options);
      type("a", null);
      await time.advance(0);
      if (isAnswered) session.say("b");
      await time.advance(990);
      assertEquals([ends, session.closeReason, await isSettled(outcome)], [0, undefined, false]);
      await time.advance(100);
      assertEquals(ends, isAnswered ? 0 : writeEnds);
      if (isAnswered) {
        await outcome;
        assertEquals(session.closeReason, "done");
      } else {
        // Changes nothing for one that has failed by now.
        session.close("peer closed");
        await assertRejects<Error>(() => outcome, error, says);
      }
    }
  });
}

Deno.test("pipe() waits for a reply to the last message, not to an earlier one", async () => {
  using time = new FakeTime();
  const session = new FakeSession({ kind: "websocket" });
  session.closeWrite = () => Promise.resolve(false);
  const { outcome, type } = connectPipe(session);
  type("a");
  await time.advance(0);
  session.say("b");
  await time.advance(0);
  type("c", null);
  await time.advance(1_100);
  await assertRejects(() => outcome, TimeoutError, "sent no reply within 1s");
});

Deno.test("pipe() sends the messages of one read in order, also to an outbox that is full", async () => {
  for (const isFull of [false, true]) {
    const session = new FakeSession();
    const written: string[] = [];
    session.isFull = isFull;
    session.write = (data) => Promise.resolve(void written.push(new TextDecoder().decode(data as Uint8Array)));
    session.flush = () => Promise.resolve(void written.push("flush"));
    const words = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split(" ");
    const { outcome, ended, type } = connectPipe(session, {
      splitter: {
        push: (bytes) => words(bytes).map((word) => ({ data: utf8(word), isText: true })),
        end: () => [{ data: utf8("rest"), isText: true }],
      },
    });
    type("a b", null);
    while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    const rest = ["flush", "rest"];
    assertEquals([session.take(), written], isFull ? [[], ["a", "b", ...rest]] : [["a", "b"], rest]);
    session.close("peer closed");
    await outcome;
  }
});

Deno.test("pipe() fails with the code of a WebSocket that did not end normally", async () => {
  const session = Object.assign(new FakeSession({ kind: "websocket" }), { closeFrame: { code: 1011, text: "broken" } });
  const { outcome, type } = connectPipe(session);
  type("a");
  session.close("peer closed");
  await assertRejects(() => outcome, ClosedEarlyError, "1011");
});

Deno.test("pipe() ends after --idle-timeout without data in either direction, and counts no blocked output", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const { io, outcome, type } = connectPipe(session, { idleMs: 500, stallMs: 60_000 });
  const blocked = Promise.withResolvers<void>();
  io.stdout.writeAsync = () => blocked.promise;
  await time.advance(400);
  type("a");
  await time.advance(400);
  session.say("reply");
  await time.advance(60_000);
  assertEquals(await isSettled(outcome), false);
  blocked.resolve();
  await time.advance(400);
  assertEquals(await isSettled(outcome), false);
  await time.advance(400);
  const error = await assertRejects(() => outcome, TimeoutError, "nothing was received or sent for 500ms");
  assertEquals(error.phase, "idle");
});

Deno.test("pipe() shortens the wait for the peer's end to --idle-timeout", async () => {
  using time = new FakeTime();
  const { outcome, type } = connectPipe(new FakeSession(), { idleMs: 500 });
  type("a", null);
  await time.advance(800);
  await assertRejects(() => outcome, TimeoutError, "did not close the connection within 500ms of the last byte");
});

Deno.test("pipe() with --receive-only reads no input, keeps its side open, and ends with the peer", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  let writeEnds = 0;
  session.closeWrite = () => Promise.resolve(++writeEnds > 0);
  const { io, outcome, type } = connectPipe(session, { isReceiveOnly: true });
  type("a", null);
  await time.advance(60_000);
  session.say("b");
  await time.advance(60_000);
  assertEquals([io.out, await isSettled(outcome)], ["b", false]);
  session.close("peer closed");
  await outcome;
  assertEquals([session.take(), writeEnds], [[], 0]);
});
