import { FakeTime } from "./fake_time.ts";

Deno.test("FakeTime also clears timers that were started before it", () => {
  const timers = [setInterval(() => {}, 60_000), setTimeout(() => {}, 60_000)];
  using _time = new FakeTime();
  for (const timer of timers) {
    clearInterval(timer);
    clearTimeout(timer);
  }
});
