import { assertEquals } from "@std/assert";
import type { ConsumerMessages, JsMsg, StreamInfo } from "@nats-io/jetstream";
import { Logger } from "@parley/parley";
import { Feed } from "../../../src/chat/nats/feed.ts";
import type { NatsLink } from "../../../src/chat/nats/link.ts";
import { FakeTime } from "../../support/fake_time.ts";

/** A link whose stream delivers what the test sends, as JetStream does when it redelivers. */
function fakeLink() {
  const ending = new AbortController();
  const rounds: { from: number; deliver: (seq: number) => void }[] = [];
  let opened = Promise.withResolvers<void>();
  const attached: Promise<void>[] = [];
  let from = 0;
  const failures: Error[] = [];
  const lastBefore: number[] = [];
  const consumer = {
    consume({ callback }: { callback: (message: JsMsg) => void }): Promise<ConsumerMessages> {
      const closed = Promise.withResolvers<void>();
      const deliver = (seq: number) => callback({ seq, time: new Date(seq) } as JsMsg);
      rounds.push({ from, deliver });
      opened.resolve();
      opened = Promise.withResolvers();
      const next = () => closed.promise.then(() => ({ done: true, value: undefined }));
      const status = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
      return Promise.resolve(
        { closed: () => closed.promise, stop: closed.resolve, status } as unknown as ConsumerMessages,
      );
    },
  };
  const link = {
    signal: ending.signal,
    jsm: {
      consumers: {
        add: (_: string, { opt_start_seq }: { opt_start_seq?: number }) => {
          if (opt_start_seq === undefined) return Promise.resolve({ delivered: { stream_seq: lastBefore.shift() } });
          from = opt_start_seq;
          return Promise.resolve({ name: "c" });
        },
      },
    },
    js: { consumers: { get: () => Promise.resolve(consumer) } },
    attempt: <T>(work: Promise<T>) => work,
    whenReady: () => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve(true) : Promise.reject(failure);
    },
    attach: (work: Promise<void>) => void attached.push(work),
  };
  return {
    link: link as unknown as NatsLink,
    rounds,
    /** With each of these, one attempt to read again fails. */
    failures,
    lastBefore,
    nextRound: () => opened.promise,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all(attached);
    },
  };
}

Deno.test("Feed delivers each message once, in order, even if the stream redelivers some", async () => {
  await using fake = fakeLink();
  const seen: number[] = [];
  const source = { stream: "S", subjects: "room.>", position: 2, timeMs: 2 };
  const feed = new Feed(fake.link, source, Logger.of("test"), ({ seq }) => seen.push(seq));
  await feed.start();
  const [first] = fake.rounds;
  for (const seq of [2, 3, 4, 4, 3, 5]) first?.deliver(seq);
  assertEquals(seen, [3, 4, 5]);
  const reopened = fake.nextRound();
  feed.restart();
  await reopened;
  const [, second] = fake.rounds;
  first?.deliver(6);
  for (const seq of [5, 6, 7]) second?.deliver(seq);
  assertEquals([fake.rounds.map(({ from }) => from), seen], [[3, 6], [3, 4, 5, 6, 7]]);
});

Deno.test("Feed.goOn() continues after the last message that the stream still has or had", async () => {
  await using fake = fakeLink();
  const seen: number[] = [];
  const source = { stream: "S", subjects: "room.>", position: 7, timeMs: 7 };
  const feed = new Feed(fake.link, source, Logger.of("test"), ({ seq }) => seen.push(seq));
  await feed.start();
  const reopen = async (state: Partial<StreamInfo["state"]>, lastBefore?: number) => {
    if (lastBefore !== undefined) fake.lastBefore.push(lastBefore);
    const reopened = fake.nextRound();
    const left = await feed.goOn({ config: { num_replicas: lastBefore === undefined ? 3 : 1 }, state } as StreamInfo);
    await reopened;
    return [left, fake.rounds.at(-1)?.from];
  };
  assertEquals(await reopen({ messages: 5, last_seq: 9 }, 7), [undefined, 8]);
  // The messages up to 9 have expired: a caller that waits for them would wait for ever.
  const delivered = feed.whenDelivered(9, 60_000);
  assertEquals(await reopen({ messages: 0, last_seq: 9 }, 9), [undefined, 10]);
  await delivered;
  let isLaterOver = false;
  const later = feed.whenDelivered(99)?.then(() => isLaterOver = true);
  // A new leader of several replicas may lag behind.
  assertEquals([await reopen({ messages: 2, last_seq: 4 }), isLaterOver], [[undefined, 10], false]);
  // The last messages are lost, and other servers have written more than these since: the new ones are delivered.
  // What waited for a number of theirs waits no longer.
  assertEquals([await reopen({ messages: 9, last_seq: 12 }, 4), isLaterOver], [[4, 5], true]);
  await later;
  fake.rounds.at(-1)?.deliver(5);
  assertEquals(seen, [5]);
});

Deno.test("Feed logs why reading has failed, and reads again", async () => {
  const logged: string[] = [];
  await using fake = fakeLink();
  using time = new FakeTime();
  const source = { stream: "S", subjects: "room.>", position: 2, timeMs: 2 };
  const log = { warning: (text: string, { error }: { error: string }) => logged.push(`${text}: ${error}`) };
  const feed = new Feed(fake.link, source, log as unknown as Logger, () => {});
  await feed.start();
  fake.failures.push(new Error("no permission"));
  const reopened = fake.nextRound();
  feed.restart();
  await time.advance(249);
  assertEquals([fake.rounds.length, logged], [1, ["reading from NATS failed; retrying: no permission"]]);
  await time.advance(1);
  await reopened;
  assertEquals([fake.rounds.map(({ from }) => from), logged.length], [[3, 3], 1]);
});
