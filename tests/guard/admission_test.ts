import { assert, assertEquals, assertFalse } from "@std/assert";
import { Admission } from "../../src/guard/admission.ts";

const NEVER = new AbortController().signal;

Deno.test("waitForSlot() waits while all places are taken and ends when one is free", async () => {
  const admission = new Admission({ maxConnections: 1 });
  assert(admission.enter());
  let isThrough = false;
  const room = admission.waitForSlot(NEVER).then(() => isThrough = true);
  await Promise.resolve();
  assertFalse(isThrough);
  admission.leave();
  await room;
  assertEquals(admission.open, 0);
});

Deno.test("waitForSlot() ends when the signal aborts", async () => {
  const admission = new Admission({ maxConnections: 1 });
  admission.enter();
  const stop = new AbortController();
  const room = admission.waitForSlot(stop.signal);
  stop.abort();
  await room;
});

Deno.test("enter() never counts more than the limit, however many listeners wait", async () => {
  const admission = new Admission({ maxConnections: 2 });
  admission.enter();
  admission.enter();
  const rooms = [admission.waitForSlot(NEVER), admission.waitForSlot(NEVER)];
  admission.leave();
  await Promise.all(rooms);
  assertEquals([admission.enter(), admission.enter()], [true, false]);
});

Deno.test("shrink() goes below the number of open connections, once, and leaves at least one place", () => {
  const admission = new Admission({ maxConnections: 10_000 });
  for (let count = 0; count < 40; count++) admission.enter();
  assert(admission.shrink());
  assertEquals(admission.maxConnections, 32);
  assertFalse(admission.shrink());
  assertFalse(admission.enter());
  const tiny = new Admission({ maxConnections: 10 });
  tiny.enter();
  tiny.shrink();
  assertEquals(tiny.maxConnections, 1);
});
