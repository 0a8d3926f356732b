import { assertEquals } from "@std/assert";
import { kebabCase } from "../../src/base/flag_spec.ts";

Deno.test("kebabCase() writes a name as people type it", () => {
  assertEquals(kebabCase("idleTimeout"), "idle-timeout");
  assertEquals(kebabCase("json"), "json");
});
