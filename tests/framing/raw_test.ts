import { assertEquals } from "@std/assert";
import { parseFraming } from "@parley/parley";
import { decodeAll } from "../support/decoding.ts";

Deno.test("rawCodec returns each read as a message", () => {
  const pieces = ["one", "two\nthree"].map((text) => new TextEncoder().encode(text));
  assertEquals(decodeAll(parseFraming("raw"), pieces), ["one", "two\nthree"]);
  assertEquals(decodeAll(parseFraming("raw"), []), []);
});
