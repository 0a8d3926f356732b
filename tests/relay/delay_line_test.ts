import { assertEquals } from "@std/assert";
import { DelayLine } from "../../src/relay/faults/delay_line.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

Deno.test("DelayLine holds 8 MiB (MAX_BYTES), and accepts more once they have left", async () => {
  for (const beyond of [0, 1]) {
    const clock = new VirtualClock();
    const left: string[] = [];
    const line = new DelayLine({ clock, removed: new AbortController().signal });
    const leave = (name: string) => () => Promise.resolve(void left.push(name));
    await line.add(10, 8 * 1024 * 1024 - 1, leave("first"));
    await line.add(20, 1 + beyond, leave("second"));
    // Below the limit it does not wait.
    assertEquals([left, clock.now()], beyond === 0 ? [[], 0] : [["first"], 10]);
    await line.add(30, 1, leave("third"));
    while (line.isHolding) await clock.delay(1, new AbortController().signal);
    assertEquals(left, ["first", "second", "third"]);
  }
});
