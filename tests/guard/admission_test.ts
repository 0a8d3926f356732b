import { assert, assertEquals, assertFalse } from "@std/assert";
import { Admission } from "../../src/guard/admission.ts";

const NEVER = new AbortController().signal;

Deno.test("room() waits while all places are taken and ends when one is free", async () => {
  const admission = new Admission({ maxConnections: 1 });
  assert(admission.enter());
  let isThrough = false;
  const room = admission.room(NEVER).then(() => isThrough = true);
  await Promise.resolve();
  assertFalse(isThrough);
  admission.leave();
  await room;
  assertEquals(admission.open, 0);
});

Deno.test("room() ends when the signal aborts", async () => {
  const admission = new Admission({ maxConnections: 1 });
  admission.enter();
  const stop = new AbortController();
  const room = admission.room(stop.signal);
  stop.abort();
  await room;
});

Deno.test("enter() never counts more than the limit, however many listeners wait", async () => {
  const admission = new Admission({ maxConnections: 2 });
  admission.enter();
  admission.enter();
  const rooms = [admission.room(NEVER), admission.room(NEVER)];
  admission.leave();
  await Promise.all(rooms);
  assertEquals([admission.enter(), admission.enter()], [true, false]);
});

Deno.test("shrink() goes below what is open, once, and leaves one place at least", () => {
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
