import { assertEquals } from "@std/assert";
import { keysAt } from "../../../../src/script/file/yaml_file.ts";
import { smokeJsonSchema, smokeSchema } from "../../../../src/commands/client/smoke/schema.ts";

Deno.test("smoke.schema.json is what `deno task schema` writes", async () => {
  const file = new URL("../../../../src/commands/client/smoke/smoke.schema.json", import.meta.url);
  assertEquals(await Deno.readTextFile(file), smokeJsonSchema());
});

Deno.test("keysAt() knows the keys of every level of a smoke file", () => {
  assertEquals(keysAt(smokeSchema, []).includes("tests"), true);
  assertEquals(keysAt(smokeSchema, ["tests", 3]).includes("endpoint"), true);
  assertEquals(keysAt(smokeSchema, ["tests", 3, "steps", 0]).includes("send-hex"), true);
  assertEquals(keysAt(smokeSchema, ["tests", 3, "check"]).includes("min-days"), true);
  assertEquals(keysAt(smokeSchema, ["defaults", "tls"]).includes("insecure"), true);
  assertEquals(keysAt(smokeSchema, ["defaults"]).includes("retries"), true);
  assertEquals(keysAt(smokeSchema, ["tests", 3, "steps", 0, "close"]), ["code", "text"]);
});
