import { assertEquals } from "@std/assert";
import { DeadlineSweep } from "../../../src/net/deadline_sweep.ts";
import { Pinger } from "../../../src/serve/websocket/pinger.ts";

/** A pinger every 100 ms, 40 ms for an answer, on a clock that the test turns. */
function pinging() {
  let nowMs = 0;
  const sweep = new DeadlineSweep(10, () => nowMs);
  const seen = { pings: 0, silences: 0, isClosed: false, isReading: true };
  const pinger = new Pinger({
    isClosed: () => seen.isClosed,
    isReading: () => seen.isReading,
    ping: () => void seen.pings++,
    onSilence: () => void seen.silences++,
  }, { sweep, intervalMs: 100, answerMs: 40 });
  const at = (timeMs: number) => {
    nowMs = timeMs;
    sweep.run();
  };
  return { sweep, seen, pinger, at };
}

Deno.test("Pinger pings once an interval as long as answers come", () => {
  const { sweep, seen, pinger, at } = pinging();
  at(99);
  assertEquals(seen.pings, 0);
  at(100);
  pinger.answered();
  at(199);
  assertEquals(seen.pings, 1);
  at(200);
  pinger.answered();
  assertEquals(seen, { pings: 2, silences: 0, isClosed: false, isReading: true });
  pinger[Symbol.dispose]();
  assertEquals(sweep.size, 0);
});

Deno.test("Pinger reports silence once when no answer comes in time, and leaves the sweep", () => {
  const { sweep, seen, at } = pinging();
  at(100);
  at(150);
  assertEquals(seen.silences, 0);
  at(151);
  at(900);
  assertEquals([seen.pings, seen.silences, sweep.size], [1, 1, 0]);
});

Deno.test("Pinger ignores an answer that nobody asked for", () => {
  const { seen, pinger, at } = pinging();
  pinger.answered();
  at(100);
  at(151);
  assertEquals([seen.pings, seen.silences], [1, 1]);
});

Deno.test("Pinger counts the time for an answer only while somebody reads", () => {
  const { seen, at } = pinging();
  at(100);
  seen.isReading = false;
  at(900);
  seen.isReading = true;
  at(940);
  assertEquals(seen.silences, 0);
  at(951);
  assertEquals(seen.silences, 1);
});

Deno.test("Pinger leaves the sweep when its session is closed", () => {
  const { sweep, seen, at } = pinging();
  seen.isClosed = true;
  at(10);
  assertEquals(sweep.size, 0);
});
