import { assert, assertEquals, assertFalse } from "@std/assert";
import { Admission } from "../../src/guard/admission.ts";
import { Logger } from "../../src/log/logger.ts";
import { FakeTime } from "../support/fake_time.ts";

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

/** An admission whose places but one are taken, what it has logged, and a client that comes, makes it full, and leaves. */
function almostFull(maxConnections: number): { lines: string[]; serveOne: () => Promise<void> } {
  const lines: string[] = [];
  const note = (text: string, fields: object) => void lines.push(`${text.split(":")[0]} ${JSON.stringify(fields)}`);
  const log: Logger = Object.assign(Object.create(Logger.prototype), { info: note, warning: note });
  const admission = new Admission({ maxConnections, log });
  for (let count = 1; count < maxConnections; count++) admission.enter();
  const serveOne = async () => {
    await admission.waitForSlot(NEVER);
    admission.enter();
    const waiting = admission.waitForSlot(NEVER);
    admission.leave();
    await waiting;
  };
  return { lines, serveOne };
}

Deno.test("Admission logs that it is full once in a minute (REPORT_MS), with the number of times", async () => {
  using time = new FakeTime();
  const { lines, serveOne } = almostFull(2);
  for (let count = 0; count < 5; count++) await serveOne();
  const first = ['full {"max":2}', 'accepting again {"connections":1}'];
  assertEquals(lines, first);
  await time.advance(60_000);
  await serveOne();
  await serveOne();
  assertEquals(lines, [...first, 'full {"max":2,"times":5}', 'accepting again {"connections":1}']);
});

Deno.test("Admission does not log that it is full if it takes one connection at a time", async () => {
  const { lines, serveOne } = almostFull(1);
  await serveOne();
  await serveOne();
  assertEquals(lines, []);
});
