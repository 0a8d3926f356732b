import { assertEquals } from "@std/assert";
import { ClientTable, type TableEntry } from "../../src/datagram/client_table.ts";
import { FakeTime } from "../support/fake_time.ts";

function start(max: number, idleTimeoutMs = 1_000) {
  const removed: string[] = [];
  const table = new ClientTable<TableEntry>({
    max,
    idleTimeoutMs,
    now: () => performance.now(),
    onRemoved: ({ key }, reason) => removed.push(`${key} ${reason}`),
  });
  const add = (key: string) => table.add(() => ({ key, lastActiveMs: performance.now() }));
  return { table, removed, add, keys: () => Array.from(table.values(), ({ key }) => key) };
}

Deno.test("ClientTable numbers clients, and evicts the one that was idle longest for one more than its maximum", () => {
  using _time = new FakeTime();
  const { table, removed, add, keys } = start(2);
  const a = add("a");
  add("b");
  table.touch(a);
  assertEquals([keys(), removed], [["b", "a"], []]);
  assertEquals(table.add((number) => ({ key: `c${number}`, lastActiveMs: 0 })).key, "c3");
  assertEquals([keys(), removed], [["a", "c3"], ["b evicted"]]);
  assertEquals(table.counts, { now: 2, total: 3, evicted: 1, expired: 0 });
});

Deno.test("ClientTable.shrink() lowers the maximum, never raises it, and leaves one place", () => {
  using _time = new FakeTime();
  const { table, add, keys } = start(3);
  table.shrink(5);
  for (const key of ["a", "b", "c", "d"]) add(key);
  assertEquals(keys(), ["b", "c", "d"]);
  table.shrink(2);
  add("e");
  assertEquals(keys(), ["d", "e"]);
  table.shrink(0);
  add("f");
  assertEquals(keys(), ["f"]);
});

Deno.test("ClientTable forgets a client when it was idle for the timeout, and no sooner", async () => {
  using time = new FakeTime();
  const { table, removed, add } = start(10);
  const a = add("a");
  add("b");
  await time.advance(600);
  table.touch(a);
  await time.advance(399);
  assertEquals(removed, []);
  await time.advance(1);
  assertEquals(removed, ["b expired"]);
  await time.advance(599);
  assertEquals(removed, ["b expired"]);
  await time.advance(1);
  assertEquals([removed, table.counts.expired, table.counts.now], [["b expired", "a expired"], 2, 0]);
});

Deno.test("ClientTable has a timer while it has clients, and none afterwards", async () => {
  using time = new FakeTime();
  const { table, removed, add } = start(10);
  const a = add("a");
  await time.advance(500);
  table.delete(a);
  assertEquals(time.timerCount, 0);
  // The next one gets a timer of its own.
  add("b");
  await time.advance(999);
  assertEquals(removed, []);
  await time.advance(1);
  assertEquals([removed, time.timerCount], [["b expired"], 0]);
});
