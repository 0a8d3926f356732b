import { assertEquals } from "@std/assert";
import { Liveness } from "../../../src/chat/nats/liveness.ts";

/** Our own signs, one a second from `fromS` on; what each found. */
function tick(liveness: Liveness, fromS: number, count: number): string[][] {
  return Array.from({ length: count }, (_, index) => liveness.tick((fromS + index) * 1_000));
}

Deno.test("tick() considers a server offline after four of our own heartbeats without one of its", () => {
  const liveness = new Liveness(1_000);
  liveness.hear("b");
  assertEquals(tick(liveness, 1, 3), [[], [], []]);
  liveness.hear("b");
  assertEquals(tick(liveness, 4, 4), [[], [], [], ["b"]]);
  assertEquals([liveness.isGone("b"), liveness.isGone("never heard of")], [true, false]);
  assertEquals([liveness.hear("b"), liveness.isGone("b")], [true, false]);
});

Deno.test("tick() counts delayed heartbeats of our own that arrive together once", () => {
  const liveness = new Liveness(1_000);
  liveness.hear("b");
  for (let count = 0; count < 20; count++) assertEquals(liveness.tick(5_000 + count), []);
});

Deno.test("tick() waits longer for a server with a longer lease", () => {
  const liveness = new Liveness(1_000);
  liveness.hear("b", 3_000);
  assertEquals(tick(liveness, 1, 12).flat(), ["b"]);
  assertEquals(tick(liveness, 13, 1).flat(), []);
});

Deno.test("isFirst() is true of one of the servers that are there", () => {
  const liveness = new Liveness(1_000);
  for (const server of ["b", "a", "c"]) liveness.hear(server);
  assertEquals(["a", "b", "c"].filter((server) => liveness.isFirst(server)), ["a"]);
  assertEquals([liveness.leave("a"), liveness.leave("a")], [true, false]);
  assertEquals(["b", "c"].filter((server) => liveness.isFirst(server)), ["b"]);
});
