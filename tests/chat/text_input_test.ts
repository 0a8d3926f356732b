import { assertEquals } from "@std/assert";
import { withoutTelnetCommands } from "../../src/chat/text_input.ts";

function cleaned(...bytes: number[]): number[] {
  return [...withoutTelnetCommands(Uint8Array.from(bytes))];
}

Deno.test("withoutTelnetCommands() takes options, subnegotiations and interrupts out of a line", () => {
  assertEquals(cleaned(0xff, 0xfb, 0x1f, 0xff, 0xfd, 0x03, 0x68, 0x69), [0x68, 0x69]);
  assertEquals(cleaned(0x68, 0xff, 0xfa, 0x1f, 80, 24, 0xff, 0xf0, 0x69), [0x68, 0x69]);
  assertEquals(cleaned(0xff, 0xf4, 0xff, 0xfd, 0x06), []);
});

Deno.test("withoutTelnetCommands() leaves what is none", () => {
  assertEquals(cleaned(0x68, 0xff, 0x03, 0xff), [0x68, 0xff, 0x03, 0xff]);
  assertEquals(cleaned(0xff, 0xff), [0xff, 0xff]);
  assertEquals(cleaned(0xff, 0xfa, 1, 2), [0xff, 0xfa, 1, 2]);
});
