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

Deno.test("textFormat.encode() shows messages of today with their time, others with their date", () => {
  const today = new Date().toISOString().slice(0, 10);
  const messages = [AT, `${today}T23:59:59.999Z`].map((at, index) => (
    { type: "message", room: "#dev", seq: index, epoch: "e", at, from: "ann", text: "hi" } as const
  ));
  assertEquals(textFormat.encode({ type: "history", room: "#dev", epoch: "e", messages }), [
    "[#dev 2026-11-22 10:00] ann: hi",
    "[#dev 23:59] ann: hi",
  ]);
});

Deno.test("textFormat.encode() reports the number of people, rooms and seconds", () => {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const ban = (until: string) =>
    textFormat.encode({ type: "moderation", action: "ban", room: "#dev", nick: "bob", by: "ann", until });
  assertEquals(ban(at(90_000)), ["* ann banned bob in #dev for 1.5m"]);
  assertEquals(ban(at(-5_000)), ["* ann banned bob in #dev for 1s"]);
  const rooms = [{ room: "#a", members: 1, topic: "" }, { room: "#b", members: 2, topic: "tea" }];
  assertEquals(textFormat.encode({ type: "rooms", rooms }), ["* #a has 1 person", "* #b has 2 people: tea"]);
  assertEquals(textFormat.encode({ type: "rooms", rooms, more: 7, next: "2 #b" }).at(-1), "* and 7 more: /rooms 2 #b");
  const members = [{ nick: "ann", operator: true }, { nick: "bob", operator: false }];
  assertEquals(textFormat.encode({ type: "who", room: "#a", members, more: 3, next: "2" }), [
    "* In #a: @ann, bob and 3 more: /who #a 2",
  ]);
});
