import { assertEquals } from "@std/assert";
import { Progress } from "../../../src/chat/page/progress.js";

const MESSAGE = { type: "message", room: "#Dev", at: "2026-11-22T10:00:00.000Z", from: "bob", text: "hi" } as const;
const JOINED = { type: "joined", room: "#Dev", epoch: "e1", seq: 3, topic: "", members: [] } as const;

/** A client whose requests are retried for 100 ms of a clock that the test controls. */
function createProgress() {
  let wake = Promise.withResolvers<readonly string[]>();
  const clock = { nowMs: 0 };
  const progress = new Progress({
    retryForMs: 100,
    retryEveryMs: 1,
    now: () => clock.nowMs,
    retry(ids) {
      wake.resolve(ids);
      wake = Promise.withResolvers();
    },
  });
  return { progress, clock, retried: () => wake.promise, [Symbol.dispose]: () => progress[Symbol.dispose]() };
}

Deno.test("Progress advances message by message, and restarts when a room's history is reset", () => {
  using client = createProgress();
  const { progress } = client;
  progress.joined({ ...JOINED, resumed: false });
  const taken = [4, 4, 3, 6, 5].map((seq) => progress.advance({ ...MESSAGE, epoch: "e1", seq }));
  assertEquals(taken, [true, false, false, true, false]);
  progress.joined({ ...JOINED, seq: 9, resumed: true });
  assertEquals(progress.positionOf("#dev"), { epoch: "e1", seq: 6 });
  progress.unrecovered({ type: "unrecovered", room: "#dev", epoch: "e2", seq: 1, reason: "" });
  assertEquals(progress.advance({ ...MESSAGE, epoch: "e2", seq: 2 }), true);
});

Deno.test("Progress keeps published messages until they are settled, by room and in order", () => {
  using client = createProgress();
  const { progress } = client;
  for (const [id, room] of [["1", "#dev"], ["2", "#ops"], ["3", "#DEV"]] as const) {
    progress.published(id, { room, text: id });
  }
  assertEquals(progress.outstanding("#Dev").map(([id]) => id), ["1", "3"]);
  assertEquals(["1", "1", undefined, "x"].map((id) => progress.settle(id)), [true, false, false, false]);
  assertEquals([progress.unacknowledged, progress.outstanding().map(([id]) => id)], [2, ["2", "3"]]);
});

Deno.test("Progress retries messages that the server cannot store yet, in order, unless settled meanwhile", async () => {
  using client = createProgress();
  const { progress } = client;
  const asked = ["1", "2", "3"].map((id) => progress.isRetried({ code: "not-stored", id }));
  assertEquals([asked, progress.isRetrying], [[true, true, true], true]);
  progress.settle("2");
  assertEquals(await client.retried(), ["1", "3"]);
});

Deno.test("Progress abandons a request that is rejected for too long", async () => {
  using client = createProgress();
  const { progress, clock } = client;
  const refuse = () => progress.isRetried({ code: "not-stored", id: "1" });
  assertEquals(refuse(), true);
  await client.retried();
  clock.nowMs = 99;
  assertEquals(refuse(), true);
  await client.retried();
  clock.nowMs = 100;
  assertEquals(refuse(), false);
});

for (const code of ["muted", "id-conflict", "too-long", "too-fast", "not-in-room"] as const) {
  Deno.test(`Progress does not retry a message rejected as ${code} (chat H6)`, () => {
    using client = createProgress();
    assertEquals([client.progress.isRetried({ code, id: "1" }), client.progress.isRetrying], [false, false]);
  });
}
