import { assert, assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import type { History, RoomLog } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import { FakeSession } from "../support/fake_session.ts";

const MESSAGES = 500;

/** Counts how much is read at a time. */
class CountingHistory implements History {
  readonly #inner = createMemoryHistory({ retention: { maxMessages: MESSAGES } });
  limits: number[] = [];
  maxReading = 0;
  #reading = 0;

  async open(...args: Parameters<History["open"]>): Promise<RoomLog> {
    const log = await this.#inner.open(...args);
    const after = log.after.bind(log);
    log.after = async (seq, limit) => {
      // One message is the look whether a member can resume.
      if (limit === 1) return await after(seq, limit);
      this.limits.push(limit);
      this.maxReading = Math.max(this.maxReading, ++this.#reading);
      await Promise.resolve();
      this.#reading--;
      return await after(seq, limit);
    };
    return log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

/** Its peer reads only when the test requests it. */
class SlowSession extends FakeSession {
  peak = 0;
  #isReading = true;
  #flushing = Promise.withResolvers<void>();
  #stalled = Promise.withResolvers<void>();

  /** Settles when something waits for the peer. */
  get stalled(): Promise<void> {
    return this.#stalled.promise;
  }

  stop(): void {
    this.#isReading = false;
    this.peak = 0;
    this.#flushing = Promise.withResolvers();
    this.#stalled = Promise.withResolvers();
  }

  read(): void {
    this.#isReading = true;
    this.queuedBytes = 0;
    this.#flushing.resolve();
  }

  override send(data: Uint8Array | string): boolean {
    this.queuedBytes += data.length;
    this.peak = Math.max(this.peak, this.queuedBytes);
    return super.send(data);
  }

  override flush(): Promise<void> {
    this.#stalled.resolve();
    if (!this.#isReading) return this.#flushing.promise;
    this.queuedBytes = 0;
    return Promise.resolve();
  }
}

async function createFullRoom() {
  const history = new CountingHistory();
  const hub = new Hub({ log: Logger.of("test"), history });
  const speaker = hub.enter(new FakeSession());
  await hub.join(speaker, "#a");
  const room = hub.roomOf(speaker);
  for (let count = 0; count < MESSAGES; count++) hub.say(speaker, room, { text: "x".repeat(4_096) });
  return { history, hub, room, epoch: room.log.epoch };
}

function seqsOf(session: FakeSession): number[] {
  return session.take().map((line) => JSON.parse(line)).filter(({ type }) => type === "message").map(({ seq }) => seq);
}

const ALL = Array.from({ length: MESSAGES }, (_, index) => index + 1);

for (const isRepeated of [false, true]) {
  Deno.test(`a ${isRepeated ? "repeated" : "first"} join with seq 0 reads in batches, as fast as the client (chat C3)`, async () => {
    const { history, hub, epoch } = await createFullRoom();
    await using _ = hub;
    const session = new SlowSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    const member = hub.enter(session);
    if (isRepeated) {
      await hub.join(member, "#a");
      assertEquals(seqsOf(session), []);
    }
    session.stop();
    const joining = hub.join(member, "#a", { position: { epoch, seq: 0 } });
    await session.stalled;
    assert(history.limits.every((limit) => limit <= 64), String(history.limits));
    assert(session.peak < 256 * 1024, `${session.peak} bytes are queued`);
    session.read();
    await joining;
    assertEquals(seqsOf(session), ALL);
    assert(session.peak < 256 * 1024, `${session.peak} bytes are queued`);
  });
}

Deno.test("a server reads for a bounded number of catch-ups at a time (MAX_READS) (chat C3)", async () => {
  const { history, hub, epoch } = await createFullRoom();
  await using _ = hub;
  const sessions = Array.from(
    { length: 40 },
    () => new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL }),
  );
  const members = sessions.map((session) => hub.enter(session));
  await Promise.all(members.map((member) => hub.join(member, "#a")));
  for (const session of sessions) session.take();
  await Promise.all(members.map((member) => hub.join(member, "#a", { position: { epoch, seq: 1 } })));
  for (const session of sessions) assertEquals(seqsOf(session), ALL.slice(1));
  assertEquals(history.maxReading, 16);
});

for (const position of ["known", "foreign", undefined] as const) {
  Deno.test(`a client that joins from ${position ?? "no"} position while others publish receives each message once (chat C3)`, async () => {
    const { hub, room, epoch } = await createFullRoom();
    await using _ = hub;
    const speaker = [...room.members][0];
    assert(speaker !== undefined);
    const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    const member = hub.enter(session);
    let isJoined = false;
    const joining = hub.join(member, "#a", {
      ...position && { position: { epoch: position === "known" ? epoch : "other", seq: MESSAGES - 1 } },
    }).then(() => isJoined = true);
    let spoken = 0;
    for (let turn = 0; !isJoined || turn < 20; turn++) {
      if (turn < 100) {
        hub.say(speaker, room, { text: "meanwhile" });
        spoken++;
      }
      await Promise.resolve();
    }
    await joining;
    await new Promise((resolve) => setTimeout(resolve, 0));
    const events = session.take().map((line) => JSON.parse(line));
    const from = events.find(({ type }) => type === "unrecovered") ?? events.find(({ type }) => type === "joined");
    const first = position === "known" ? MESSAGES : from.seq + 1;
    const seqs = events.filter(({ type }) => type === "message").map(({ seq }) => seq);
    assertEquals(seqs, Array.from({ length: MESSAGES + spoken - first + 1 }, (_, index) => first + index));
  });
}

Deno.test("a room's messages are no longer read for a disconnected client (attack 3)", async () => {
  const { history, hub, epoch } = await createFullRoom();
  await using _ = hub;
  const session = new SlowSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
  const member = hub.enter(session);
  session.stop();
  const joining = hub.join(member, "#a", { position: { epoch, seq: 0 } });
  await session.stalled;
  const { length } = history.limits;
  session.close("reset");
  session.read();
  await joining;
  assertEquals(history.limits.length, length, "what nobody will receive was read");
});

Deno.test("events are held for a client that catches up, up to a limit (attack 4)", async () => {
  const { hub, room, epoch } = await createFullRoom();
  await using _ = hub;
  const session = new SlowSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
  const member = hub.enter(session);
  session.stop();
  const joining = hub.join(member, "#a", { position: { epoch, seq: 0 } });
  await session.stalled;
  const decide = async (count: number) => {
    for (let index = 0; index < count; index++) {
      await room.decide({ action: "topic", by: "ann", topic: String(index) });
      room.flush();
    }
  };
  await decide(900);
  assertEquals(session.closeReason, undefined);
  await decide(200);
  assertEquals(session.closeReason as string | undefined, "slow consumer");
  session.read();
  await joining;
});

for (const isMember of [false, true]) {
  Deno.test(`a ${isMember ? "repeated" : "first"} join reads messages for a client that reads slowly only once it has read joined`, async () => {
    const { hub, room, epoch } = await createFullRoom();
    await using _ = hub;
    let reads = 0;
    const { log } = room;
    const [last, after] = [log.last.bind(log), log.after.bind(log)];
    log.last = (limit, upTo) => {
      reads++;
      return last(limit, upTo);
    };
    log.after = (seq, limit) => {
      // One message is the look whether a member can resume.
      if (limit > 1) reads++;
      return after(seq, limit);
    };
    // A first join from elsewhere shows the last messages, a bounded number, without waiting.
    for (const position of [{ epoch, seq: 1 }, ...isMember ? [{ epoch: "other", seq: 1 }] : []]) {
      const session = new SlowSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
      const member = hub.enter(session);
      if (isMember) await hub.join(member, "#a");
      session.stop();
      session.queuedBytes = 128 * 1024;
      reads = 0;
      const joining = hub.join(member, "#a", { position });
      await session.stalled;
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      assertEquals(reads, 0, `with ${position.epoch}`);
      session.read();
      await joining;
      assert(reads > 0);
    }
  });
}

for (const isMember of [false, true]) {
  Deno.test(`a ${isMember ? "repeated" : "first"} join from a position ahead of this server waits for the messages up to it`, async () => {
    const { hub, room, epoch } = await createFullRoom();
    await using _ = hub;
    const [speaker] = room.members;
    assert(speaker !== undefined);
    const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
    const member = hub.enter(session);
    if (isMember) await hub.join(member, "#a");
    session.take();
    const asked = Promise.withResolvers<number>();
    const reached = Promise.withResolvers<void>();
    room.log.reached = (seq) => {
      asked.resolve(seq);
      return reached.promise;
    };
    const joining = hub.join(member, "#a", { position: { epoch, seq: MESSAGES + 1 } });
    assertEquals(await asked.promise, MESSAGES + 1);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    assertEquals(session.take().filter((line) => line.includes('"joined"')), []);
    for (const text of ["known", "new"]) hub.say(speaker, room, { text });
    reached.resolve();
    await joining;
    const events = session.take().map((line) => JSON.parse(line));
    assertEquals(events.find(({ type }) => type === "joined")?.resumed, true);
    assertEquals(events.filter(({ type }) => type === "unrecovered"), []);
    const seqs = events.filter(({ type }) => type === "message").map(({ seq }) => seq);
    assertEquals(seqs, isMember ? [MESSAGES + 1, MESSAGES + 2] : [MESSAGES + 2]);
  });
}

for (const isMember of [false, true]) {
  Deno.test(`a ${isMember ? "repeated" : "first"} join resumes from a position whose next messages are kept, and reports why not`, async () => {
    const { hub, room, epoch } = await createFullRoom();
    await using _ = hub;
    const [speaker] = room.members;
    assert(speaker !== undefined);
    // One more than are kept.
    hub.say(speaker, room, { text: "last" });
    for (
      const [position, reason] of [
        [{ epoch, seq: MESSAGES + 1 }, undefined],
        [{ epoch, seq: 1 }, undefined],
        [{ epoch, seq: 0 }, "older messages are no longer kept"],
        [{ epoch: "other", seq: MESSAGES }, "the room's history was reset"],
        [{ epoch, seq: MESSAGES + 2 }, "the position is ahead of the room"],
      ] as const
    ) {
      const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
      const member = hub.enter(session);
      if (isMember) await hub.join(member, "#a");
      session.take();
      await hub.join(member, "#a", { position });
      const events = session.take().map((line) => JSON.parse(line));
      const joined = events.find(({ type }) => type === "joined");
      const unrecovered = events.find(({ type }) => type === "unrecovered");
      assertEquals([joined?.resumed, unrecovered?.reason], [reason === undefined, reason], JSON.stringify(position));
    }
  });
}
