import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { replyTemplate } from "../../src/services/reply_text.ts";

function filled(template: string, message: string): string {
  return new TextDecoder().decode(replyTemplate(utf8(template))(utf8(message)));
}

Deno.test("replyTemplate() puts the message in each place and nowhere else", () => {
  assertEquals(filled("a {message} b {message}", "x"), "a x b x");
  assertEquals(filled("{message}", ""), "");
  assertEquals(filled("plain {messag}", "x"), "plain {messag}");
  assertEquals(filled("<{message}>", "{message}"), "<{message}>");
});
