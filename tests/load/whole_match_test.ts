import { assertEquals } from "@std/assert";
import { buildPayload } from "../../src/load/connection.ts";
import { WholeMatch } from "../../src/load/connection.ts";

Deno.test("WholeMatch matches the message, and sees each byte that differs", () => {
  for (const size of [1, 3, 4, 10, 64]) {
    const message = buildPayload(size, 1);
    const whole = new WholeMatch(message);
    const space = new Uint8Array(128);
    space.set(message);
    const bytes = space.subarray(0, size);
    assertEquals(whole.matches(bytes), true, `${size} bytes`);
    for (let at = 0; at < size; at++) {
      bytes[at] = 0;
      assertEquals(whole.matches(bytes), false, `byte ${at} of ${size}`);
      bytes[at] = message[at] ?? 0;
    }
    // Another buffer, as after a change of its size.
    assertEquals(whole.matches(message.slice()), true);
  }
});

Deno.test("WholeMatch does not tell of pieces, of more than one message, and of bytes inside a buffer", () => {
  const message = buildPayload(8, 0);
  const whole = new WholeMatch(message);
  const twice = new Uint8Array([...message, ...message]);
  for (const bytes of [message.slice(0, 7), twice, twice.subarray(8)]) assertEquals(whole.matches(bytes), false);
});
