import { assertEquals, assertThrows } from "@std/assert";
import { parseBitRate, parseShare } from "../../src/base/rates.ts";

Deno.test("parseShare() reads percentages", () => {
  assertEquals(["0%", "0.1%", "5%", "100%"].map(parseShare), [0, 0.001, 0.05, 1]);
});

Deno.test("parseShare() rejects anything but a percentage from 0% to 100%", () => {
  for (const text of ["", "5", "-1%", "101%", "5 %", "%"]) {
    assertThrows(() => parseShare(text), SyntaxError, "as in 5%");
  }
});

Deno.test("parseBitRate() reads bits per second in decimal units", () => {
  assertEquals(["800bit", "500kbit", "1.5Mbit/s", "1Gbit"].map(parseBitRate), [800, 500_000, 1_500_000, 1e9]);
});

Deno.test("parseBitRate() rejects anything but a rate above 0", () => {
  for (const text of ["", "5", "0Mbit", "1MB", "-1kbit"]) assertThrows(() => parseBitRate(text), SyntaxError, "1Mbit");
});
