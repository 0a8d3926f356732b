import { assertEquals } from "@std/assert";
import { utf8 } from "../../../src/base/bytes.ts";
import { ReplyPrinter } from "../../../src/commands/client/reply_printer.ts";
import { FakeIo } from "../../support/fake_io.ts";

/** What is printed of messages, up to the end. */
async function printed(
  messages: readonly (string | Uint8Array)[],
  { isTerminal = false, isHex = false, isByLine = false },
): Promise<string> {
  const io = new FakeIo();
  const printer = new ReplyPrinter({ ...io.stdout, isTerminal }, { isHex, isByLine });
  for (const message of messages) {
    await printer.print({ data: typeof message === "string" ? utf8(message) : message, isText: false });
  }
  printer.end();
  return io.out;
}

Deno.test("ReplyPrinter prints bytes as they are, by line if asked, and as hexadecimal digits", async () => {
  assertEquals(await printed(["a\x1b", "b"], {}), "a\x1bb");
  assertEquals(await printed(["a\x1b", "b"], { isByLine: true }), "a\x1b\nb\n");
  assertEquals(await printed(["a\x1b", ""], { isHex: true }), "611b\n\n");
});

Deno.test("ReplyPrinter escapes controls on a terminal, and ends the last line there", async () => {
  assertEquals(await printed(["a\x1b", "b"], { isTerminal: true }), "a\\x1bb\n");
  assertEquals(await printed(["a\n", ""], { isTerminal: true }), "a\n");
  assertEquals(await printed(["a\nb", ""], { isTerminal: true }), "a\nb\n");
  assertEquals(await printed([], { isTerminal: true }), "");
  assertEquals(await printed(["a"], { isTerminal: true, isByLine: true }), "a\n");
});

Deno.test("ReplyPrinter decodes a character that is split over two pieces of a stream, and not over two lines", async () => {
  const [first, second] = [utf8("é").subarray(0, 1), utf8("é").subarray(1)];
  assertEquals(await printed([first, second], { isTerminal: true }), "é\n");
  assertEquals(await printed([first, second], { isTerminal: true, isByLine: true }), "\ufffd\n\ufffd\n");
});
