import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { DiscardPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Logger, RefusedError, UsageError } from "@parley/parley";
import { ChatError } from "../../../src/chat/chat_error.ts";
import type { History, Receipt, RoomLog } from "../../../src/chat/history.ts";
import type { RoomMessage } from "../../../src/chat/message.ts";
import { parseClusterAddress } from "../../../src/chat/nats/cluster_address.ts";
import { connectNats } from "../../../src/chat/nats/connect_nats.ts";
import { createNatsHistory } from "../../../src/chat/nats/history_nats.ts";
import { NatsLink } from "../../../src/chat/nats/link.ts";
import { joinTestCluster } from "../../support/nats_cluster.ts";
import { NatsServer } from "../../support/nats_server.ts";
import { closedPort } from "../../support/ports.ts";
import { toolTest } from "../../support/tools.ts";

const log = Logger.of("test");

async function openHistory(url: string): Promise<History> {
  return (await joinTestCluster(url)).history;
}

function publish(log: RoomLog, text: string, id?: string): Promise<Receipt | ChatError> {
  return new Promise((resolve) => log.publish({ from: "alice", text, ...(id === undefined ? {} : { id }) }, resolve));
}

/** All messages of a room, and a way to wait for a number of them. */
function collect() {
  const told: RoomMessage[] = [];
  let wake = () => {};
  return {
    told,
    onMessage(message: RoomMessage) {
      told.push(message);
      wake();
    },
    async count(count: number) {
      while (told.length < count) await new Promise<void>((resolve) => wake = resolve);
      return told;
    },
  };
}

toolTest(
  "nats-server",
  "nats history: two servers deliver the same order, each message with the number of the previous one",
  async () => {
    await using nats = await NatsServer.start();
    await using left = await openHistory(nats.url);
    await using right = await openHistory(nats.url);
    const [heardLeft, heardRight] = [collect(), collect()];
    const leftLog = await left.open("#a", heardLeft.onMessage);
    const rightLog = await right.open("#a", heardRight.onMessage);
    assertEquals(leftLog.epoch, rightLog.epoch);
    const texts = Array.from({ length: 50 }, (_, index) => String(index));
    const elsewhere = await left.open("#b", () => {});
    await Promise.all(texts.flatMap((text) => [
      publish(leftLog, `left ${text}`),
      publish(elsewhere, text),
      publish(rightLog, `right ${text}`),
    ]));
    const told = await heardLeft.count(100);
    assertEquals(await heardRight.count(100), told);
    assertEquals(told.map(({ prev }) => prev), [0, ...told.slice(0, -1).map(({ seq }) => seq)]);
    const said = (who: string) => told.map(({ text }) => text).filter((text) => text.startsWith(who));
    assertEquals(said("left"), texts.map((text) => `left ${text}`));
    assertEquals(said("right"), texts.map((text) => `right ${text}`));
  },
);

toolTest("nats-server", "nats history: an id is stored once, whichever server receives it", async () => {
  await using nats = await NatsServer.start();
  await using left = await openHistory(nats.url);
  await using right = await openHistory(nats.url);
  const leftLog = await left.open("#a", () => {});
  const rightLog = await right.open("#a", () => {});
  const first = await publish(leftLog, "x", "1");
  assertEquals(await publish(rightLog, "x", "1"), { ...first as Receipt, isDuplicate: true });
  const other = await publish(rightLog, "other", "1");
  assertInstanceOf(other, ChatError);
  assertEquals(other.code, "id-conflict");
});

toolTest("nats-server", "nats history: another server reads messages that are no longer in memory", async () => {
  await using nats = await NatsServer.start();
  await using left = await openHistory(nats.url);
  const log = await left.open("#a", () => {});
  const other = await left.open("#b", () => {});
  const receipts = await Promise.all(Array.from({ length: 700 }, async (_, index) => {
    const mine = publish(log, String(index));
    if (index % 7 === 0) await publish(other, "elsewhere");
    return await mine as Receipt;
  }));
  await using right = await openHistory(nats.url);
  const reader = await right.open("#a", () => {});
  const texts = (messages: readonly RoomMessage[] | undefined) => messages?.map(({ text }) => Number(text));
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  for (const room of [log, reader]) {
    assertEquals(room.seq, receipts[699]?.seq);
    assertEquals(texts(await room.after(receipts[9]?.seq ?? 0, 100)), range(10, 110));
    assertEquals(texts(await room.after(0, 3)), [0, 1, 2]);
    assertEquals(texts(await room.last(20, room.seq)), range(680, 700));
    assertEquals(texts(await room.last(20, receipts[99]?.seq ?? 0)), range(80, 100));
    assertEquals(texts(await room.last(50, receipts[9]?.seq ?? 0)), range(0, 10));
    const old = await room.last(3, receipts[50]?.seq ?? 0);
    assertEquals(old.map(({ prev }) => prev), [47, 48, 49].map((index) => receipts[index]?.seq));
  }
});

toolTest(
  "nats-server",
  "nats history: while NATS is unreachable messages are queued, and none is lost or duplicated",
  async () => {
    await using nats = await NatsServer.start();
    await using left = await openHistory(nats.url);
    await using right = await openHistory(nats.url);
    const heard = collect();
    const log = await left.open("#a", () => {});
    const reader = await right.open("#a", heard.onMessage);
    await publish(log, "before");
    const underway = Array.from({ length: 100 }, (_, index) => publish(log, `during ${index}`));
    await nats.kill();
    const waiting = publish(log, "away");
    await nats.restart();
    const receipts = await Promise.all([...underway, waiting, publish(log, "after")]);
    assert(receipts.every((receipt) => !(receipt instanceof ChatError)));
    const told = await heard.count(103);
    assertEquals(told.map(({ text }) => text), [
      "before",
      ...underway.map((_, index) => `during ${index}`),
      "away",
      "after",
    ]);
    assertEquals(await reader.after(0, 200), told);
    assertEquals(new Set(told.map(({ epoch }) => epoch)).size, 1);
  },
);

toolTest(
  "nats-server",
  "nats history: rejects messages that cannot be stored in time, and continues afterwards",
  async () => {
    await using nats = await NatsServer.start();
    await using history = await openHistory(nats.url);
    const log = await history.open("#a", () => {});
    await publish(log, "before");
    await nats.kill();
    const outcome = await publish(log, "lost");
    assertInstanceOf(outcome, ChatError);
    assertEquals(outcome.code, "not-stored");
    // Members may still read and join what is at hand.
    assertEquals((await log.last(5, log.seq)).map(({ text }) => text), ["before"]);
    await nats.restart();
    const stored = await publish(log, "later");
    assert(!(stored instanceof ChatError));
    assertEquals((await log.last(1, log.seq)).map(({ text }) => text), ["later"]);
  },
);

const IDS = ["a\nb", "a\rb", "a\0b", "a", " a", "a ", "\ud800", "é", "x".repeat(128), "💬".repeat(64)];

toolTest("nats-server", "nats history: an id may hold any characters, and each is its own (chat C4)", async () => {
  await using nats = await NatsServer.start();
  await using history = await openHistory(nats.url);
  const log = await history.open("#a", () => {});
  const first = await Promise.all(IDS.map((id) => publish(log, "x", id)));
  assertEquals(first.map((receipt) => "isDuplicate" in receipt && receipt.isDuplicate), IDS.map(() => false));
  const again = await Promise.all(IDS.map((id) => publish(log, "x", id)));
  assertEquals(again, first.map((receipt) => ({ ...receipt as Receipt, isDuplicate: true })));
});

toolTest(
  "nats-server",
  "nats history: a request that NATS rejects leaves the connection in use (chat C4)",
  async () => {
    await using nats = await NatsServer.start();
    const connection = await connectNats(parseClusterAddress(nats.url));
    const { link, stream } = await NatsLink.open(connection, { retention: { maxMessages: 100 }, log });
    await using history = await createNatsHistory(link, { server: "s1", stream, log });
    const room = await history.open("#a", () => {});
    const large = "x".repeat(2 * 1024 * 1024);
    const requests: (() => Promise<unknown>)[] = [
      () => publish(room, large),
      () => publish(room, "x", large),
      () => Promise.resolve(room.decide({ action: "topic", by: "ann", topic: large })).catch((error: unknown) => error),
    ];
    for (const request of requests) {
      const outcome = await request();
      assertInstanceOf(outcome, ChatError);
      assertEquals(outcome.code, "not-stored");
      assertMatch(outcome.message, /payload/);
      assert(link.isReady, "the connection counts as lost");
      assertEquals(await publish(room, "fine") instanceof ChatError, false);
    }
  },
);

toolTest("nats-server", "joinCluster() reports in one line why NATS cannot be used", async () => {
  await assertRejects(() => openHistory(`nats://127.0.0.1:${closedPort()}`), RefusedError, "Cannot use NATS at 127");
  await using nats = await NatsServer.start([]);
  await assertRejects(() => openHistory(nats.url), UsageError, "start nats-server with -js");
});

toolTest("nats-server", "nats history: reports why JetStream rejects a message, and stores the others", async () => {
  await using nats = await NatsServer.start();
  await using history = await openHistory(nats.url);
  const operator = await connect({ servers: new URL(nats.url).host });
  const manager = await jetstreamManager(operator);
  await manager.streams.update("PARLEY", { max_msgs: 2, discard: DiscardPolicy.New });
  await operator.close();
  const log = await history.open("#a", () => {});
  const [first, second, third] = await Promise.all(["1", "2", "3"].map((text) => publish(log, text)));
  assertEquals([first, second].map((outcome) => outcome instanceof ChatError ? outcome.message : outcome?.seq), [1, 2]);
  assertInstanceOf(third, ChatError);
  assertEquals(third.message, "Nothing was stored: maximum messages exceeded");
});

toolTest("nats-server", "nats history: reports why a room cannot be opened, and opens it afterwards", async () => {
  await using nats = await NatsServer.start();
  const connection = await connectNats(parseClusterAddress(nats.url));
  const { link, stream } = await NatsLink.open(connection, { retention: { maxMessages: 100 }, log });
  await using history = await createNatsHistory(link, { server: "s1", stream, log });
  const { archive } = history;
  const last = archive.last.bind(archive);
  for (
    const [cause, message] of [
      [new Error("no leader"), "#a cannot be opened now: no leader"],
      [new ChatError("not-stored", "no permission"), "no permission"],
    ] as const
  ) {
    archive.last = () => Promise.reject(cause);
    await assertRejects(() => history.open("#a", () => {}), ChatError, message);
  }
  archive.last = last;
  const heard = collect();
  assertEquals(await publish(await history.open("#a", heard.onMessage), "x") instanceof ChatError, false);
  assertEquals((await heard.count(1)).map(({ text }) => text), ["x"]);
});
