import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, ResetError, TimeoutError } from "../../src/base/errors.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { ExpectationError } from "../../src/script/expectation_error.ts";
import { type ExchangeReport, runExchange } from "../../src/script/exchange.ts";
import {
  awaitReply,
  close,
  end,
  expect,
  expectClose,
  expectReset,
  expectSilence,
  reset,
  send,
  type Step,
} from "../../src/script/steps.ts";
import { listen } from "../../src/factory.ts";
import { parseFraming, rawCodec } from "../../src/framing/mod.ts";
import { delay } from "../../src/net/wait.ts";
import { framerOf } from "../../src/session/framer.ts";
import { dial } from "../../src/dial.ts";
import { StreamSession } from "../../src/session/stream_session.ts";
import { FakeSession } from "../support/fake_session.ts";
import { FakeTime } from "../support/fake_time.ts";
import { writeAll } from "../support/peer.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

async function exchange(
  endpoint: string,
  steps: readonly Step[],
  { timeoutMs = 5_000, framing = "raw" } = {},
): Promise<ExchangeReport> {
  const session = await dial(endpoint, { framing });
  return await runExchange(session, steps, { timeoutMs });
}

/** Sends `pieces` with a turn of the event loop between them, then stays, or closes. */
function talkingPeer(pieces: readonly string[], { closes = false } = {}) {
  return scriptedPeer(async (conn) => {
    for (const piece of pieces) {
      await writeAll(conn, piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (closes) conn.close();
  });
}

function echoPeer() {
  return scriptedPeer(async (conn) => {
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      await writeAll(conn, buffer.subarray(0, count));
    }
    conn.close();
  });
}

Deno.test("runExchange() finds expectations in order in the received data, however it is split", async () => {
  await using peer = talkingPeer(["gre", "eting\r\nsec", "ond\r\n"]);
  const report = await exchange(peer.endpoint, [expect("greeting"), expect(/^\r\ns(e.)ond/), expect(utf8("\r\n"))]);
  assertEquals(report.error, undefined);
  assertEquals(report.captures, new Map([["1", "ec"]]));
});

Deno.test("runExchange() does not count time in which received data is printed as silence of the peer", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  session.framer = framerOf(rawCodec);
  let printed = "";
  const running = runExchange(session, [awaitReply(250)], {
    timeoutMs: 1_000,
    onReceived: async ({ data }) => {
      await delay(5_000);
      printed += new TextDecoder().decode(data);
    },
  });
  session.say("one");
  await time.advance(100);
  session.say("two");
  await time.advance(20_000);
  assertEquals([(await running).error, printed], [undefined, "onetwo"]);
});

Deno.test("runExchange() does not match bytes of an earlier match again", async () => {
  await using peer = talkingPeer(["one"]);
  const { error, steps } = await exchange(peer.endpoint, [expect("one"), expect("one")], { timeoutMs: 100 });
  assertInstanceOf(error, TimeoutError);
  assertEquals(steps.map((step) => step.error === undefined), [true, false]);
});

Deno.test("runExchange() waits for the rest of what a regular expression may still match", async () => {
  await using peer = talkingPeer(["id=1", "2", "3;"]);
  const report = await exchange(peer.endpoint, [expect(/id=(\d+)/)]);
  assertEquals(report.captures.get("1"), "123");
});

Deno.test("runExchange() fails an expectation with an empty captured group (fault 16)", async () => {
  await using peer = talkingPeer(["id=\n", "more"]);
  const report = await exchange(peer.endpoint, [expect(/id=(\d*)\n/), expect("{1}")]);
  assertInstanceOf(report.error, ExpectationError);
});

Deno.test("runExchange() puts captures into what later steps send and expect", async () => {
  await using peer = echoPeer();
  const steps = [send("id=77;"), expect(/id=(?<id>\d+);/), send("<{id}>"), expect("<{1}>")];
  assertEquals((await exchange(peer.endpoint, steps)).error, undefined);
});

Deno.test("runExchange() reads while it sends, so that an echo of megabytes does not stall", async () => {
  await using peer = echoPeer();
  const data = new Uint8Array(8_000_000).fill(0x61);
  data[data.length - 1] = 0x21;
  const report = await exchange(peer.endpoint, [
    send(data),
    expect("!"),
  ]);
  assertEquals([report.error, report.receivedBytes], [undefined, data.length]);
});

Deno.test("runExchange() distinguishes a wrong answer, silence, and a close without data", async () => {
  await using wrong = talkingPeer(["wrong"]);
  const error = (await exchange(wrong.endpoint, [expect("right")], { timeoutMs: 100 })).error;
  assertInstanceOf(error, ExpectationError);
  assertStringIncludes(error.message, 'expected "right"');
  await using silent = scriptedPeer(() => {});
  assertInstanceOf((await exchange(silent.endpoint, [expect("x")], { timeoutMs: 50 })).error, TimeoutError);
  await using closing = talkingPeer([], { closes: true });
  assertInstanceOf((await exchange(closing.endpoint, [expect("x")])).error, ClosedEarlyError);
});

Deno.test("runExchange() does not treat silence as a match, even of an empty text", async () => {
  await using silent = scriptedPeer(() => {});
  const report = await exchange(silent.endpoint, [expect(/.*/)], { timeoutMs: 100 });
  assertInstanceOf(report.error, TimeoutError);
  await using talking = talkingPeer(["one"]);
  const second = await exchange(talking.endpoint, [expect("one"), expect(/.*/)], { timeoutMs: 100 });
  assertInstanceOf(second.error, TimeoutError);
});

Deno.test("runExchange() reports an unexpected reply as soon as the peer has ended", async () => {
  await using peer = talkingPeer(["wrong"], { closes: true });
  assertInstanceOf((await exchange(peer.endpoint, [expect("right")], { timeoutMs: 60_000 })).error, ExpectationError);
});

Deno.test("runExchange() matches within each message if there are messages", async () => {
  await using peer = talkingPeer(["one two\nthree\n"]);
  const split = await exchange(peer.endpoint, [expect(/^two/)], { framing: "line", timeoutMs: 50 });
  assertInstanceOf(split.error, ExpectationError);
  const whole = await exchange(peer.endpoint, [expect(/^three$/)], { framing: "line" });
  assertEquals(whole.error, undefined);
});

Deno.test("runExchange() expects an orderly end, and distinguishes it from a reset", async () => {
  await using closing = talkingPeer(["bye"], { closes: true });
  assertEquals((await exchange(closing.endpoint, [expectClose()])).error, undefined);
  assertInstanceOf((await exchange(closing.endpoint, [expectReset()])).error, ExpectationError);
  await using resetting = await resettingPeer();
  assertEquals((await exchange(resetting.endpoint, [send("x"), expectReset()])).error, undefined);
  assertInstanceOf((await exchange(resetting.endpoint, [send("x"), expectClose()])).error, ResetError);
  await using silent = scriptedPeer(() => {});
  for (const step of [expectClose(), expectReset()]) {
    assertInstanceOf((await exchange(silent.endpoint, [step], { timeoutMs: 50 })).error, TimeoutError);
  }
});

Deno.test("runExchange() expects silence: nothing unmatched, and the peer stays", async () => {
  const silence = expectSilence(60);
  await using silent = talkingPeer(["hello"]);
  const startMs = performance.now();
  assertEquals((await exchange(silent.endpoint, [expect("hello"), silence])).error, undefined);
  assert(performance.now() - startMs >= 60);
  assertInstanceOf((await exchange(silent.endpoint, [expect("hell"), silence])).error, ExpectationError);
  await using closing = talkingPeer([], { closes: true });
  assertInstanceOf((await exchange(closing.endpoint, [silence])).error, ClosedEarlyError);
});

Deno.test("runExchange() takes as a reply one message, or a stream until it is quiet", async () => {
  await using peer = talkingPeer(["one\n", "two\n"]);
  const reply = awaitReply(200);
  const lines = await exchange(peer.endpoint, [reply, reply], { framing: "line" });
  assertEquals(lines.steps.map(({ received }) => new TextDecoder().decode(received)), ["one", "two"]);
  const stream = await exchange(peer.endpoint, [reply]);
  assertEquals(stream.steps.map(({ received }) => new TextDecoder().decode(received)), ["one\ntwo\n"]);
});

Deno.test("runExchange() ends at its signal", async () => {
  await using silent = scriptedPeer(() => {});
  const session = await dial(silent.endpoint, { framing: "raw" });
  const stop = new AbortController();
  const running = runExchange(session, [expect("x")], {
    timeoutMs: 60_000,
    signal: stop.signal,
  });
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals((await running).error, reason);
});

Deno.test("runExchange() runs the same steps on an accepted session as on a dialled one", async () => {
  await using listener = await listen("tcp://127.0.0.1:0", { context: "script" });
  const accepted = (async () => {
    const connection = await listener.accept();
    assert(connection !== null);
    const session = new StreamSession(connection, parseFraming("line"), { answersBadMessages: false });
    const steps = [send("220 ready"), expect(/^ehlo (\w+)$/i), send("250 hello {1}"), expectClose(), end()];
    return await runExchange(session, steps, { timeoutMs: 5_000 });
  })();
  const dialled = await exchange(
    formatEndpoint(listener.endpoint),
    [expect("220"), send("EHLO me"), expect("250 hello me"), end(), expectClose()],
    { framing: "line" },
  );
  assertEquals([dialled.error, (await accepted).error], [undefined, undefined]);
});

Deno.test("runExchange() fails an accepted session's expectation with what came", async () => {
  await using listener = await listen("tcp://127.0.0.1:0", { context: "script" });
  const accepted = (async () => {
    const connection = await listener.accept();
    assert(connection !== null);
    const session = new StreamSession(connection, parseFraming("line"), { answersBadMessages: false });
    return await runExchange(session, [expect("hello there")], { timeoutMs: 5_000 });
  })();
  await exchange(formatEndpoint(listener.endpoint), [send("hello world"), end(), expectClose()], { framing: "line" });
  const { error } = await accepted;
  assertInstanceOf(error, ExpectationError);
  assertEquals(new TextDecoder().decode(error.received), "hello world");
});

Deno.test("runExchange() closes, and resets if the connection can be reset", async () => {
  await using listener = await listen("tcp://127.0.0.1:0", { context: "script", canReset: true });
  for (const [step, expected] of [[close(), expectClose()], [reset(), expectReset()]] as const) {
    const accepted = (async () => {
      const connection = await listener.accept();
      assert(connection !== null);
      const session = new StreamSession(connection, parseFraming("raw"));
      return await runExchange(session, [send("half"), step], { timeoutMs: 5_000 });
    })();
    const dialled = await exchange(formatEndpoint(listener.endpoint), [expect("half"), expected]);
    assertEquals([dialled.error, (await accepted).error], [undefined, undefined]);
  }
});

Deno.test("runExchange() reports that a connection cannot be reset, and closes it", async () => {
  await using listener = await listen("tcp://127.0.0.1:0", { context: "script" });
  const accepted = (async () => {
    const connection = await listener.accept();
    assert(connection !== null);
    return await runExchange(new StreamSession(connection, parseFraming("raw")), [reset()], { timeoutMs: 5_000 });
  })();
  await exchange(formatEndpoint(listener.endpoint), [expectClose()]);
  assertStringIncludes(String((await accepted).error), "Cannot reset tcp://127.0.0.1:");
});

Deno.test("runExchange() sends a framed message in slices, and only its first bytes", async () => {
  const reads: string[] = [];
  await using peer = scriptedPeer(async (conn) => {
    const buffer = new Uint8Array(64);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      reads.push(new TextDecoder().decode(buffer.subarray(0, count)));
    }
    conn.close();
  });
  const sent = send("abcdefg", { slice: 3, every: "20ms", truncate: 8 });
  const { error } = await exchange(peer.endpoint, [sent, end(), expectClose()], { framing: "line" });
  assertEquals([error, reads], [undefined, ["abc", "def", "g\n"]]);
  reads.length = 0;
  await exchange(peer.endpoint, [send("abcdefg", { truncate: 4 }), end(), expectClose()], { framing: "line" });
  assertEquals(reads, ["abcd"]);
});
