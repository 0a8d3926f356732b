import { assertEquals } from "@std/assert";
import { fieldOf, isRecord, parseJson } from "../../src/base/json.ts";

Deno.test("parseJson() is undefined for invalid JSON", () => {
  assertEquals(parseJson('{"a":1}'), { a: 1 });
  assertEquals(parseJson("{"), undefined);
});

Deno.test("isRecord() is true for objects, but not for arrays", () => {
  assertEquals([{}, [], null, "a", 1, undefined].map(isRecord), [true, false, false, false, false, false]);
});

Deno.test("fieldOf() finds own fields only", () => {
  assertEquals(fieldOf({ a: 1 }, "a"), 1);
  assertEquals(fieldOf(["a"], 0), "a");
  for (const value of [{}, null, "text", undefined]) assertEquals(fieldOf(value, "toString"), undefined);
});
