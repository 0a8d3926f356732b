import { assertEquals } from "@std/assert";
import { stackJsonSchema } from "../../../../src/commands/server/stack/schema.ts";

Deno.test("the JSON schema of stack files is the one that editors are given (deno task schema)", async () => {
  const file = new URL("../../../../src/commands/server/stack/stack.schema.json", import.meta.url);
  assertEquals(await Deno.readTextFile(file), await stackJsonSchema());
});
