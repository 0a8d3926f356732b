import { assertEquals } from "@std/assert";
import { integer } from "./der.ts";

Deno.test("a whole number in DER takes as few bytes as it can (X.690, section 8.3.2)", () => {
  const encoded = (...bytes: number[]) => [...integer(Uint8Array.from(bytes))];
  assertEquals(encoded(0x00, 0x01, 0x02), [0x02, 2, 0x01, 0x02]);
  assertEquals(encoded(0x00, 0x00, 0x80), [0x02, 2, 0x00, 0x80]);
  assertEquals(encoded(0x80), [0x02, 2, 0x00, 0x80]);
  assertEquals(encoded(0x7f), [0x02, 1, 0x7f]);
  assertEquals(encoded(0x00, 0x00), [0x02, 1, 0x00]);
});
