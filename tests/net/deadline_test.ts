import { assertEquals } from "@std/assert";
import { Deadline } from "../../src/net/deadline.ts";

Deno.test("Deadline.remainingMs decreases with the clock, and not below 0", () => {
  let nowMs = 1_000;
  const deadline = new Deadline(500, undefined, () => nowMs);
  assertEquals(deadline.remainingMs, 500);
  nowMs = 1_300;
  assertEquals(deadline.remainingMs, 200);
  nowMs = 2_000;
  assertEquals(deadline.remainingMs, 0);
});

Deno.test("Deadline.wait() returns the remaining time, or less, and the signal", () => {
  const { signal } = new AbortController();
  const deadline = new Deadline(500, signal, () => 0);
  assertEquals(deadline.wait(), { signal, timeout: 500 });
  assertEquals(deadline.wait(20), { signal, timeout: 20 });
});
