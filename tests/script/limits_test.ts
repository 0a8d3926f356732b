/** Every limit of the scripts at N, where it is kept, and at N + 1. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { rawCodec } from "../../src/framing/raw.ts";
import { Logger } from "../../src/log/logger.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import type { DatagramSocket } from "../../src/net/datagram.ts";
import { Expectations } from "../../src/script/expectations.ts";
import { fillVariables } from "../../src/script/file/variables.ts";
import { Inbox } from "../../src/script/inbox.ts";
import { matchBytes } from "../../src/script/match.ts";
import { DatagramMock } from "../../src/script/mock/datagram_mock.ts";
import { type ExchangeSession, runExchange } from "../../src/script/exchange.ts";
import { Mock } from "../../src/script/mock/mock.ts";
import { send } from "../../src/script/mod.ts";
import type { MockScript } from "../../src/script/mock/mock_script.ts";
import { framerOf } from "../../src/session/framer.ts";
import { FakeSession } from "../support/fake_session.ts";
import { FakeTime } from "../support/fake_time.ts";

const SOURCE = { variables: {}, env: () => undefined } as unknown as Parameters<typeof fillVariables>[1];
const fill = (value: unknown) => fillVariables(value, SOURCE, (_path, message) => new SyntaxError(message));

Deno.test("fillVariables() takes 16 levels (MAX_LEVELS)", () => {
  const nested = (levels: number): unknown => levels === 0 ? "x" : [nested(levels - 1)];
  assertEquals(fill(nested(16)), nested(16));
  assertThrows(() => fill(nested(17)), SyntaxError, "nested more than 16 levels deep");
});

Deno.test("fillVariables() takes 100,000 values (MAX_VALUES)", () => {
  // The list itself is one of them.
  assertEquals((fill(Array(99_999).fill(1)) as unknown[]).length, 99_999);
  assertThrows(() => fill(Array(100_000).fill(1)), SyntaxError, "more than 100000 values");
});

Deno.test("Inbox keeps the last 1 MiB of a stream (WINDOW_BYTES), and whole messages of that size", () => {
  const find = (inbox: Inbox) => inbox.find((bytes) => matchBytes(utf8("first"), bytes)) !== undefined;
  const rest = 1024 * 1024 - "first".length;
  for (const isMessageWise of [false, true]) {
    const inbox = new Inbox(isMessageWise);
    inbox.push({ data: utf8("first"), isText: false });
    inbox.push({ data: new Uint8Array(rest), isText: false });
    assertEquals([find(inbox), inbox.unmatched.length], [true, 1024 * 1024]);
    inbox.push({ data: new Uint8Array(1), isText: false });
    assertEquals([find(inbox), inbox.receivedBytes], [false, 1024 * 1024 + 1]);
    inbox.push({ data: new Uint8Array(2 * 1024 * 1024), isText: false });
    assertEquals(inbox.unmatched.length, isMessageWise ? 2 * 1024 * 1024 : 1024 * 1024);
  }
});

Deno.test("Expectations waits 50 ms (SETTLE_MS) for the rest of what a regular expression matches", async () => {
  using time = new FakeTime();
  const inbox = new Inbox(false);
  const session = { kind: "stream", remote: parseEndpoint("tcp://db:1"), closeFrame: undefined } as const;
  const expectations = new Expectations(session, inbox, new Map(), 60_000);
  let found: string | undefined;
  inbox.push({ data: utf8("12"), isText: false });
  const matching = expectations.pattern({ kind: "regex", source: "\\d+" }, undefined)
    .then(({ data }) => found = new TextDecoder().decode(data));
  await time.advance(49);
  inbox.push({ data: utf8("3"), isText: false });
  await time.advance(49);
  assertEquals(found, undefined);
  await time.advance(1);
  await matching;
  assertEquals(found, "123");
});

/** A mock for datagrams whose scripts do nothing but wait to be ended. */
function holdingMock() {
  const peers: ExchangeSession[] = [];
  const ends: (() => void)[] = [];
  const mock = {
    serve: (peer: ExchangeSession) => {
      peers.push(peer);
      return new Promise<void>((resolve) => ends.push(resolve));
    },
  } as unknown as Mock;
  const script = { connections: [] } as unknown as MockScript;
  const service = new DatagramMock(mock, script, { log: Logger.of("test"), mayAmplify: false });
  const say = (port: number, text = "x") => {
    const from = parseEndpoint(`udp://127.0.0.1:${port}`);
    service.onDatagram({ data: utf8(text), from, isTruncated: false } as never, {} as DatagramSocket);
  };
  return { peers, ends, say, service };
}

Deno.test("DatagramMock serves 1,024 peers at a time (MAX_PEERS), then ends the oldest", async () => {
  const { peers, ends, say, service } = holdingMock();
  for (let index = 0; index < 1_024; index++) say(1_000 + index);
  assert(peers.every(({ closeReason }) => closeReason === undefined));
  say(9_000);
  assertEquals(peers.slice(0, 2).map(({ closeReason }) => closeReason), ["limit", undefined]);
  for (const end of ends) end();
  await service.ended();
});

Deno.test("DatagramMock keeps 1,024 datagrams for a script (MAX_WAITING), the first", async () => {
  const { peers, ends, say, service } = holdingMock();
  for (let index = 0; index < 1_025; index++) say(1_000, String(index));
  const texts = (await peers[0]?.receive())?.map(({ data }) => new TextDecoder().decode(data));
  assertEquals([texts?.length, texts?.at(-1)], [1_024, "1023"]);
  for (const end of ends) end();
  await service.ended();
});

Deno.test("runExchange() gives the peer 250 ms to end its side after the last step (LINGER_MS)", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const running = runExchange(session, [send("x")], { timeoutMs: 60_000 });
  await time.advance(240);
  assertEquals([session.take(), session.closeReason], [["x"], undefined]);
  await time.advance(20);
  assertEquals(session.closeReason, "done");
  await running;
});

Deno.test("Mock waits 250 ms for the rest of an input that no rule matches (REST_MS)", async () => {
  using time = new FakeTime();
  const mock = new Mock({ connections: [{ when: "PING", steps: [send("PONG")] }] });
  const session = new FakeSession();
  session.framer = framerOf(rawCodec);
  let isEnded = false;
  session.closeWrite = () => Promise.resolve(isEnded = true);
  const serving = mock.serve(session);
  session.say("PI");
  await time.advance(245);
  session.say("NG");
  await time.advance(20);
  assertEquals([session.take(), isEnded], [["PONG"], false]);
  session.say("PI");
  await time.advance(245);
  assertEquals(isEnded, false);
  await time.advance(10);
  assertEquals(isEnded, true);
  session.close("peer closed");
  await serving;
});
