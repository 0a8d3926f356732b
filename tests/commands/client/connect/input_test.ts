import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../../../src/base/bytes.ts";
import { type InputOptions, inputSplitter } from "../../../../src/commands/client/connect/input.ts";

const OPTIONS: InputOptions = { isByLine: false, isHex: false, isCrLf: false, lineEnds: "drop" };

/** What is sent for pieces of input, each message as text. */
function sent(options: Partial<InputOptions>, ...pieces: string[]): string[] {
  const splitter = inputSplitter({ ...OPTIONS, ...options });
  const text = ({ data }: { data: Uint8Array }) => new TextDecoder().decode(data);
  return [...pieces.flatMap((piece) => splitter.push(utf8(piece)).map(text)), ...splitter.end().map(text)];
}

Deno.test("inputSplitter() sends bytes as they arrive", () => {
  assertEquals(sent({}, "a\nb", "c"), ["a\nb", "c"]);
});

Deno.test("inputSplitter() puts a CR before each LF that has none, also across pieces", () => {
  assertEquals(sent({ isCrLf: true }, "a\nb\r", "\nc\n"), ["a\r\nb\r", "\nc\r\n"]);
});

Deno.test("inputSplitter() makes a message of each line, the last one without an end too", () => {
  assertEquals(sent({ isByLine: true }, "a\r\nb", "c\nd"), ["a", "bc", "d"]);
  assertEquals(sent({ isByLine: true, lineEnds: "keep", isCrLf: true }, "a\nb"), ["a\r\n", "b\r\n"]);
});

Deno.test("inputSplitter() takes the type of messages from the options, never from the bytes (fault 6)", () => {
  const lines = Uint8Array.of(0x61, 0x0a, 0xff, 0x0a);
  const binary = inputSplitter({ ...OPTIONS, isByLine: true, isText: false }).push(lines);
  assertEquals(binary.map(({ isText }) => isText), [false, false]);
  const text = inputSplitter({ ...OPTIONS, isByLine: true, isText: true });
  assertEquals(text.push(lines.subarray(0, 2)).map(({ isText }) => isText), [true]);
  assertThrows(() => text.push(lines.subarray(2)), SyntaxError, "invalid UTF-8");
});

Deno.test("inputSplitter() keeps the CR of a line for --framing line, and adds it once for --crlf (fault 8)", () => {
  const options = { isByLine: true, lineEnds: "keep CR" } as const;
  assertEquals(sent(options, "a\r\nb\n\r", "\n\nc"), ["a\r", "b", "\r", "", "c"]);
  assertEquals(sent({ ...options, isCrLf: true }, "a\r\nb\n\r", "\n\nc"), ["a\r", "b\r", "\r", "\r", "c\r"]);
});

Deno.test("inputSplitter() reads hexadecimal digits, and rejects anything else", () => {
  assertEquals(sent({ isByLine: true, isHex: true }, "61 62\n63\n"), ["ab", "c"]);
  assertThrows(() => sent({ isByLine: true, isHex: true }, "xyz\n"), SyntaxError, '"xyz"');
});
