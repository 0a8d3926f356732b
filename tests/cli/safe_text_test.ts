import { assertEquals } from "@std/assert";
import { safeText } from "../../src/cli/safe_text.ts";

Deno.test("safeText() keeps lines and tabs, and shows every other control character", () => {
  assertEquals(safeText("a\tb\r\nc\x1b[2J\rd\x07\u009b"), "a\tb\nc\\x1b[2J\\rd\\x07\\x9b");
});
