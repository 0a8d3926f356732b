import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../../../src/base/bytes.ts";
import { inputCutter, type InputOptions } from "../../../../src/commands/client/connect/input.ts";

const OPTIONS: InputOptions = { isByLine: false, isHex: false, isCrLf: false, lineEnds: "drop" };

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
  assertEquals(sent({ isByLine: true, lineEnds: "keep", isCrLf: true }, "a\nb"), ["a\r\n", "b\r\n"]);
});

Deno.test("inputCutter() takes the type of messages from the options, never from the bytes (fault 6)", () => {
  const lines = Uint8Array.of(0x61, 0x0a, 0xff, 0x0a);
  const binary = inputCutter({ ...OPTIONS, isByLine: true, isText: false }).push(lines);
  assertEquals(binary.map(({ isText }) => isText), [false, false]);
  const text = inputCutter({ ...OPTIONS, isByLine: true, isText: true });
  assertEquals(text.push(lines.subarray(0, 2)).map(({ isText }) => isText), [true]);
  assertThrows(() => text.push(lines.subarray(2)), SyntaxError, "not UTF-8");
});

Deno.test("inputCutter() keeps the CR of a line for --framing line, and adds it once for --crlf (fault 8)", () => {
  const options = { isByLine: true, lineEnds: "keep CR" } as const;
  assertEquals(sent(options, "a\r\nb\n\r", "\n\nc"), ["a\r", "b", "\r", "", "c"]);
  assertEquals(sent({ ...options, isCrLf: true }, "a\r\nb\n\r", "\n\nc"), ["a\r", "b\r", "\r", "\r", "c\r"]);
});

Deno.test("inputCutter() reads hexadecimal digits, and refuses what is none", () => {
  assertEquals(sent({ isByLine: true, isHex: true }, "61 62\n63\n"), ["ab", "c"]);
  assertThrows(() => sent({ isByLine: true, isHex: true }, "xyz\n"), SyntaxError, '"xyz"');
});
