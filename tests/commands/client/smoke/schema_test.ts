import { assertEquals } from "@std/assert";
import { keysAt, smokeJsonSchema } from "../../../../src/commands/client/smoke/schema.ts";

Deno.test("smoke.schema.json is what `deno task schema` writes", async () => {
  const file = new URL("../../../../src/commands/client/smoke/smoke.schema.json", import.meta.url);
  assertEquals(await Deno.readTextFile(file), smokeJsonSchema());
});

Deno.test("keysAt() knows the keys of every level of a smoke file", () => {
  assertEquals(keysAt([]).includes("tests"), true);
  assertEquals(keysAt(["tests", 3]).includes("endpoint"), true);
  assertEquals(keysAt(["tests", 3, "steps", 0]).includes("send-hex"), true);
  assertEquals(keysAt(["tests", 3, "check"]).includes("min-days"), true);
  assertEquals(keysAt(["defaults", "tls"]).includes("insecure"), true);
  assertEquals(keysAt(["defaults"]).includes("retries"), true);
});
