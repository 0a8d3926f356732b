import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, listen, TimeoutError } from "@parley/parley";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { FakeTime } from "../support/fake_time.ts";

Deno.test("run() shows every member the clock, also when one leaves meanwhile", () => {
  let nowMs = 5;
  using deadlineTimer = new DeadlineTimer(60_000, () => nowMs);
  const seen: string[] = [];
  const leaving = {
    checkDeadlines(at: number) {
      seen.push(`leaving ${at}`);
      deadlineTimer.delete(leaving);
    },
  };
  const staying = { checkDeadlines: (at: number) => void seen.push(`staying ${at}`) };
  deadlineTimer.add(leaving);
  deadlineTimer.add(staying);
  nowMs = 10;
  deadlineTimer.run();
  nowMs = 20;
  deadlineTimer.run();
  assertEquals(seen, ["leaving 10", "staying 10", "staying 20"]);
  assertEquals(deadlineTimer.size, 1);
});

Deno.test("the timer runs only while something is watched", async () => {
  const deadlineTimer = new DeadlineTimer(1);
  deadlineTimer.hold();
  const swept = Promise.withResolvers<void>();
  const member = { checkDeadlines: () => swept.resolve() };
  deadlineTimer.add(member);
  await swept.promise;
  // A timer that stays would be a leak, which the test's sanitizer finds.
  deadlineTimer.delete(member);
});

Deno.test("DeadlineTimer lets pending input be read first after the program was stalled", async () => {
  using deadlineTimer = new DeadlineTimer(20);
  deadlineTimer.hold();
  const seen: string[] = [];
  const swept = Promise.withResolvers<void>();
  deadlineTimer.add({
    checkDeadlines() {
      seen.push("swept");
      swept.resolve();
    },
  });
  const endMs = performance.now() + 200;
  while (performance.now() < endMs) {
    // Nothing else can happen meanwhile.
  }
  // Due after the deadline timer, so it represents data pending in the kernel.
  setTimeout(() => seen.push("read"), 0);
  await swept.promise;
  assertEquals(seen, ["read", "swept"]);
});

Deno.test("DeadlineTimer.for() is exact to 50 ms for short deadlines, and to a twentieth of longer ones (MIN_INTERVAL_MS, MAX_INTERVAL_MS) (fault 54)", () => {
  const intervalOf = (...deadlinesMs: (number | undefined)[]) => {
    using deadlineTimer = DeadlineTimer.for(deadlinesMs);
    return deadlineTimer.intervalMs;
  };
  assertEquals([intervalOf(300, 10_000), intervalOf(1_000), intervalOf(10)], [25, 25, 25]);
  assertEquals([intervalOf(2_000, undefined), intervalOf(10_000), intervalOf(600_000), intervalOf()], [
    50,
    250,
    250,
    250,
  ]);
});

for (
  const [option, reason] of [
    ["totalTimeout", "lifetime"],
    ["idleTimeout", "idle timeout"],
    ["firstByteTimeout", "first byte timeout"],
  ] as const
) {
  Deno.test(`a ${option} of 200 ms closes an accepted connection neither early nor late (fault 54)`, async () => {
    using listener = await listen("tcp://127.0.0.1:0", { [option]: "200ms" });
    const startMs = performance.now();
    await using _client = await connect(listener.endpoint);
    await using served = await listener.accept();
    assertEquals(await served?.closed, reason);
    const tookMs = performance.now() - startMs;
    assert(tookMs > 190 && tookMs < 1_000, `closed after ${tookMs} ms`);
  });
}

Deno.test("connect() checks the deadlines of all client connections by one timer", async () => {
  using time = new FakeTime();
  using serverTimer = new DeadlineTimer(60_000);
  using listener = await listen("tcp://127.0.0.1:0", { deadlineTimer: serverTimer });
  const timersBefore = time.timerCount;
  await using clients = new AsyncDisposableStack();
  for (let count = 0; count < 3; count++) {
    clients.use(await connect(listener.endpoint));
    clients.use(await listener.accept());
  }
  // That of the accepted connections, and that of the clients.
  assertEquals(time.timerCount - timersBefore, 2);
  const brief = clients.use(await connect(listener.endpoint, { idleTimeout: "1s" }));
  clients.use(await listener.accept());
  const failing = assertRejects(() => brief.read(), TimeoutError);
  await time.advance(1_100);
  await failing;
});
