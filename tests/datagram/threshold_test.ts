import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseDatagramThreshold } from "../../src/datagram/bench/threshold.ts";

const VALUES = { loss: 0.02, dup: 0, reorder: 0, jitterMs: 3, percentileMs: (percent: number) => percent };

Deno.test("parseDatagramThreshold() compares shares and times", () => {
  const holds = (text: string) => parseDatagramThreshold(text).holds(VALUES);
  assertEquals(["loss>1%", "loss>2%", "loss>=2%", "jitter<5ms", "p99>98ms", "p99.9>1s", "max<=100ms"].map(holds), [
    true,
    false,
    true,
    true,
    true,
    false,
    true,
  ]);
});

Deno.test("parseDatagramThreshold() refuses what is no limit", () => {
  for (const text of ["", "loss", "loss>1", "speed>1%", "p99>5%"]) {
    assertThrows(() => parseDatagramThreshold(text), UsageError, "--fail-if");
  }
});
