import { assertEquals } from "@std/assert";
import { textFormat } from "../../src/chat/event_format.ts";

const AT = "2026-11-22T10:00:00.000Z";

Deno.test("textFormat.encode() names the sender in every line of a message", () => {
  const message = { type: "message", room: "#dev", seq: 1, epoch: "e", at: AT, from: "ann" } as const;
  assertEquals(textFormat.encode({ ...message, text: "one\n* bob left" }), [
    "[#dev] ann: one",
    "[#dev] ann: * bob left",
  ]);
  assertEquals(textFormat.encode({ ...message, action: true, text: "waves\ntwice" }), [
    "[#dev] * ann waves",
    "[#dev] * ann twice",
  ]);
  assertEquals(textFormat.encode({ type: "private", from: "ann", to: "bob", text: "a\nb", at: AT }), [
    "[private] ann to bob: a",
    "[private] ann to bob: b",
  ]);
});
