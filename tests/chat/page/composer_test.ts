import { assertEquals } from "@std/assert";
import { completeName, parseLine } from "../../../src/chat/page/composer.js";

const LOBBY = { name: "#lobby", isRoom: true };
const BOB = { name: "bob", isRoom: false };

const LINES: readonly [string, typeof LOBBY, unknown][] = [
  ["hello", LOBBY, { say: { text: "hello" } }],
  ["  ", LOBBY, undefined],
  ["//path", LOBBY, { say: { text: "/path" } }],
  ["/me waves", LOBBY, { say: { text: "waves", action: true } }],
  ["/nick grace", LOBBY, { request: { type: "nick", nick: "grace" } }],
  ["/join dev", LOBBY, { request: { type: "join", room: "#dev" } }],
  ["/msg bob are you there", LOBBY, { open: "bob", text: "are you there" }],
  ["/topic what now", LOBBY, { request: { type: "topic", room: "#lobby", topic: "what now" } }],
  ["/ban eve 10m be kind", LOBBY, {
    request: { type: "ban", room: "#lobby", nick: "eve", time: "10m", reason: "be kind" },
  }],
  ["/kick eve", LOBBY, { request: { type: "kick", room: "#lobby", nick: "eve" } }],
  ["/kick eve", BOB, { fault: "/kick is for rooms" }],
  ["/dance", LOBBY, { fault: "No command is called /dance; /help lists them" }],
  ["/help", BOB, { help: true }],
];

for (const [line, where, wish] of LINES) {
  Deno.test(`parseLine() takes "${line}" in ${where.name} for ${JSON.stringify(wish)}`, () => {
    assertEquals(parseLine(line, where) as unknown, wish);
  });
}

Deno.test("completeName() completes the word before the caret, with a colon at the beginning", () => {
  assertEquals(completeName("ad", 2, ["bob", "ada"]), { text: "ada: ", caret: 5 });
  assertEquals(completeName("hi AD!", 5, ["ada"]), { text: "hi ada !", caret: 7 });
  assertEquals(completeName("hi x", 4, ["ada"]), undefined);
  assertEquals(completeName("hi ", 3, ["ada"]), undefined);
});
