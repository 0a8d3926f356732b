import { assertEquals } from "@std/assert";
import { DeadlineSweep } from "@parley/parley";

Deno.test("run() shows every member the clock, also when one leaves meanwhile", () => {
  let nowMs = 5;
  using sweep = new DeadlineSweep(60_000, () => nowMs);
  const seen: string[] = [];
  const leaving = {
    sweep(at: number) {
      seen.push(`leaving ${at}`);
      sweep.delete(leaving);
    },
  };
  const staying = { sweep: (at: number) => void seen.push(`staying ${at}`) };
  sweep.add(leaving);
  sweep.add(staying);
  nowMs = 10;
  sweep.run();
  nowMs = 20;
  sweep.run();
  assertEquals(seen, ["leaving 10", "staying 10", "staying 20"]);
  assertEquals(sweep.size, 1);
});

Deno.test("the timer runs only while somebody is being watched", async () => {
  const sweep = new DeadlineSweep(1);
  const swept = Promise.withResolvers<void>();
  const member = { sweep: () => swept.resolve() };
  sweep.add(member);
  await swept.promise;
  // A timer that stays would be a leak, which the test's sanitizer finds.
  sweep.delete(member);
});

Deno.test("DeadlineSweep lets what came meanwhile be read first when the program has stood still", async () => {
  using sweep = new DeadlineSweep(20);
  const seen: string[] = [];
  const swept = Promise.withResolvers<void>();
  sweep.add({
    sweep() {
      seen.push("swept");
      swept.resolve();
    },
  });
  const endMs = performance.now() + 200;
  while (performance.now() < endMs) {
    // Nothing else can happen meanwhile.
  }
  // Due after the sweep's timer, so it stands for what the kernel has for us.
  setTimeout(() => seen.push("read"), 0);
  await swept.promise;
  assertEquals(seen, ["read", "swept"]);
});
