import { assert, assertEquals } from "@std/assert";
import { MODERATION_COMMANDS, SERVER_COMMANDS } from "../../../src/chat/commands/moderation.ts";
import { parseRequest } from "../../../src/chat/json_request.ts";
import { COMMANDS, completeName, parseTyped } from "../../../src/chat/page/composer.js";

const LOBBY = { name: "#lobby", isRoom: true };
const BOB = { name: "bob", isRoom: false };

const LINES: readonly [string, typeof LOBBY, unknown][] = [
  ["hello", LOBBY, { kind: "say", text: "hello" }],
  ["  ", LOBBY, undefined],
  ["//path", LOBBY, { kind: "say", text: "/path" }],
  ["/me waves", LOBBY, { kind: "say", text: "waves", action: true }],
  ["/nick grace", LOBBY, { kind: "request", request: { type: "nick", nick: "grace" } }],
  ["/join dev", LOBBY, { kind: "join", room: "#dev" }],
  ["/msg bob are you there", LOBBY, { kind: "open", nick: "bob", text: "are you there" }],
  ["/topic what now", LOBBY, { kind: "request", request: { type: "topic", room: "#lobby", topic: "what now" } }],
  ["/who", LOBBY, { kind: "request", request: { type: "who", room: "#lobby", id: "who" } }],
  ["/history", LOBBY, { kind: "history", count: 50 }],
  ["/history 100", LOBBY, { kind: "history", count: 100 }],
  ["/history 101", LOBBY, { kind: "fault", text: "/history takes a number from 1 to 100" }],
  ["/history x", LOBBY, { kind: "fault", text: "/history takes a number from 1 to 100" }],
  ["/who", BOB, { kind: "fault", text: "/who works in rooms only" }],
  ["/topic", LOBBY, { kind: "request", request: { type: "topic", room: "#lobby" } }],
  ["/topic -", LOBBY, { kind: "request", request: { type: "topic", room: "#lobby", topic: "" } }],
  ["/rooms", BOB, { kind: "browse" }],
  ["/kick", LOBBY, { kind: "fault", text: "/kick needs a name" }],
  ["\n  if (x)\n    y()\n", LOBBY, { kind: "say", text: "  if (x)\n    y()" }],
  ["/ban eve 10m be kind", LOBBY, {
    kind: "request",
    request: { type: "ban", room: "#lobby", nick: "eve", time: "10m", reason: "be kind" },
  }],
  ["/ban eve be kind", LOBBY, {
    kind: "request",
    request: { type: "ban", room: "#lobby", nick: "eve", reason: "be kind" },
  }],
  ["/mute eve 1h", LOBBY, { kind: "request", request: { type: "mute", room: "#lobby", nick: "eve", time: "1h" } }],
  ["/kick eve", LOBBY, { kind: "request", request: { type: "kick", room: "#lobby", nick: "eve" } }],
  ["/kick eve", BOB, { kind: "fault", text: "/kick works in rooms only" }],
  ["/ignore eve", LOBBY, { kind: "request", request: { type: "ignore", nick: "eve" } }],
  ["/unignore eve", BOB, { kind: "request", request: { type: "unignore", nick: "eve" } }],
  ["/server-kick eve be kind", BOB, {
    kind: "request",
    request: { type: "server-kick", nick: "eve", reason: "be kind" },
  }],
  ["/server-ban 10.0.0.0/8 2h be kind", LOBBY, {
    kind: "request",
    request: { type: "server-ban", nick: "10.0.0.0/8", time: "2h", reason: "be kind" },
  }],
  ["/server-unban eve", LOBBY, { kind: "request", request: { type: "server-unban", nick: "eve" } }],
  ["/ignore", LOBBY, { kind: "fault", text: "/ignore needs a name" }],
  ["/dance", LOBBY, { kind: "fault", text: "Unknown command /dance; see /help" }],
  ["/help", BOB, { kind: "help" }],
];

for (const [line, where, wish] of LINES) {
  Deno.test(`parseTyped() takes ${JSON.stringify(line)} in ${where.name} for ${JSON.stringify(wish)}`, () => {
    assertEquals(parseTyped(line, where) as unknown, wish);
  });
}

Deno.test("parseTyped() knows every command about a person that the server has, and names it in /help (chat M9)", () => {
  const help = COMMANDS.join("\n");
  for (const { name, usage } of [...MODERATION_COMMANDS, ...SERVER_COMMANDS]) {
    const words = usage.includes("TIME") ? "bob 10m be kind" : "bob be kind";
    const { request } = parseTyped(`/${name} ${words}`, LOBBY) as { request: Record<string, unknown> };
    assertEquals(parseRequest(request).type, name);
    assertEquals("reason" in request, /REASON/.test(usage) || name === "mute", name);
    assert(help.includes(`/${name}`), `/help does not name /${name}`);
  }
});

Deno.test("completeName() completes the word before the caret, with a colon at the beginning", () => {
  assertEquals(completeName("ad", 2, ["bob", "ada"]), { text: "ada: ", caret: 5 });
  assertEquals(completeName("hi AD!", 5, ["ada"]), { text: "hi ada !", caret: 7 });
  assertEquals(completeName("hi x", 4, ["ada"]), undefined);
  assertEquals(completeName("hi ", 3, ["ada"]), undefined);
});

for (const typed of ["hello", "//path", "/me waves"]) {
  Deno.test(`parseTyped() rejects ${typed} outside a conversation (fault 2)`, () => {
    assertEquals(parseTyped(typed, undefined)?.kind, "fault");
  });
}

Deno.test("parseTyped() accepts a text of 4,096 characters, and rejects a longer one (fault 2)", () => {
  assertEquals(parseTyped("x".repeat(4_096), LOBBY)?.kind, "say");
  assertEquals(parseTyped("x".repeat(4_097), LOBBY)?.kind, "fault");
});
