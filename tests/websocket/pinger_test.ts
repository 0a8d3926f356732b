import { assertEquals } from "@std/assert";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { Pinger } from "../../src/websocket/pinger.ts";

/** A pinger every 100 ms, 40 ms for an answer, on a clock that the test turns. */
function pinging() {
  let nowMs = 0;
  const deadlineTimer = new DeadlineTimer(10, () => nowMs);
  const seen = { pings: 0, silences: 0, isClosed: false, isReading: true };
  const pinger = new Pinger({
    isClosed: () => seen.isClosed,
    isReading: () => seen.isReading,
    ping: () => void seen.pings++,
    onSilence: () => void seen.silences++,
  }, { deadlineTimer, interval: 100, timeout: 40 });
  const at = (timeMs: number) => {
    nowMs = timeMs;
    deadlineTimer.run();
  };
  return { deadlineTimer, seen, pinger, at };
}

Deno.test("Pinger pings once an interval as long as pongs arrive", () => {
  const { deadlineTimer, seen, pinger, at } = pinging();
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
  assertEquals(deadlineTimer.size, 0);
});

Deno.test("Pinger reports silence once when no pong arrives in time, and leaves the deadline timer", () => {
  const { deadlineTimer, seen, at } = pinging();
  at(100);
  at(150);
  assertEquals(seen.silences, 0);
  at(151);
  at(900);
  assertEquals([seen.pings, seen.silences, deadlineTimer.size], [1, 1, 0]);
});

Deno.test("Pinger ignores an unsolicited pong", () => {
  const { seen, pinger, at } = pinging();
  pinger.answered();
  at(100);
  at(151);
  assertEquals([seen.pings, seen.silences], [1, 1]);
});

Deno.test("Pinger counts the time for a pong only while the session is read", () => {
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

Deno.test("Pinger leaves the deadline timer when its session is closed", () => {
  const { deadlineTimer, seen, at } = pinging();
  seen.isClosed = true;
  at(10);
  assertEquals(deadlineTimer.size, 0);
});
