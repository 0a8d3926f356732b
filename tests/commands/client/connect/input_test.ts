import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../../../src/base/bytes.ts";
import { inputCutter, type InputOptions } from "../../../../src/commands/client/connect/input.ts";

const OPTIONS: InputOptions = { isByLine: false, isHex: false, isCrLf: false, keepsLineEnd: false };

/** What is sent for pieces of input, each message as text. */
function sent(options: Partial<InputOptions>, ...pieces: string[]): string[] {
  const cutter = inputCutter({ ...OPTIONS, ...options });
  const text = ({ data }: { data: Uint8Array }) => new TextDecoder().decode(data);
  return [...pieces.flatMap((piece) => cutter.push(utf8(piece)).map(text)), ...cutter.end().map(text)];
}

Deno.test("inputCutter() sends bytes as they come", () => {
  assertEquals(sent({}, "a\nb", "c"), ["a\nb", "c"]);
});

Deno.test("inputCutter() puts a CR before each LF that has none, also across pieces", () => {
  assertEquals(sent({ isCrLf: true }, "a\nb\r", "\nc\n"), ["a\r\nb\r", "\nc\r\n"]);
});

Deno.test("inputCutter() makes a message of each line, the last one without an end too", () => {
  assertEquals(sent({ isByLine: true }, "a\r\nb", "c\nd"), ["a", "bc", "d"]);
  assertEquals(sent({ isByLine: true, keepsLineEnd: true, isCrLf: true }, "a\nb"), ["a\r\n", "b\r\n"]);
});

Deno.test("inputCutter() says which lines are text", () => {
  const cutter = inputCutter({ ...OPTIONS, isByLine: true });
  const messages = cutter.push(Uint8Array.of(0x61, 0x0a, 0xff, 0x0a));
  assertEquals(messages.map(({ isText }) => isText), [true, false]);
});

Deno.test("inputCutter() reads hexadecimal digits, and refuses what is none", () => {
  assertEquals(sent({ isByLine: true, isHex: true }, "61 62\n63\n"), ["ab", "c"]);
  assertThrows(() => sent({ isByLine: true, isHex: true }, "xyz\n"), SyntaxError, '"xyz"');
});
