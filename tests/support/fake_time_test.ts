import { FakeTime } from "./fake_time.ts";

Deno.test("FakeTime clears timers of before it, which the test would leak", () => {
  const timers = [setInterval(() => {}, 60_000), setTimeout(() => {}, 60_000)];
  using _time = new FakeTime();
  for (const timer of timers) {
    clearInterval(timer);
    clearTimeout(timer);
  }
});
