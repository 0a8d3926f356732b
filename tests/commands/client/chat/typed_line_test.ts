import { assertEquals, assertNotEquals } from "@std/assert";
import { parseRequest } from "../../../../src/chat/json_request.ts";
import { readTyped, type Typed, TYPED_COMMANDS } from "../../../../src/commands/client/chat/typed_line.ts";

const CASES: readonly [line: string, typed: Typed][] = [
  ["  ", { kind: "nothing" }],
  ["hello", { kind: "say", text: "hello" }],
  ["//usr/bin", { kind: "say", text: "/usr/bin" }],
  ["/me waves", { kind: "say", text: "waves", action: true }],
  ["/join dev", { kind: "join", room: "#dev" }],
  ["/join ＤＥＶ", { kind: "join", room: "#DEV" }],
  ["/join a/b", { kind: "wrong", text: "A room's name is # and 1 to 48 letters, digits and - _ . as in #dev" }],
  ["/join", { kind: "wrong", text: "Usage: /join #ROOM" }],
  ["/leave", { kind: "request", request: { type: "leave", room: "#lobby" } }],
  ["/WHO #dev", { kind: "request", request: { type: "who", room: "#dev" } }],
  ["/who #dev 57", { kind: "request", request: { type: "who", room: "#dev", after: "57" } }],
  ["/rooms 3 #dev", { kind: "request", request: { type: "rooms", after: "3 #dev" } }],
  ["/msg bob how are you", { kind: "request", request: { type: "private", to: "bob", text: "how are you" } }],
  ["/topic", { kind: "request", request: { type: "topic", room: "#lobby" } }],
  ["/topic tea time", { kind: "request", request: { type: "topic", room: "#lobby", topic: "tea time" } }],
  ["/topic -", { kind: "request", request: { type: "topic", room: "#lobby", topic: "" } }],
  ["/kick bob be nice", { kind: "request", request: { type: "kick", room: "#lobby", nick: "bob", reason: "be nice" } }],
  ["/ignore bob", { kind: "request", request: { type: "ignore", nick: "bob" } }],
  ["/quit", { kind: "quit" }],
  ["/jion #dev", { kind: "wrong", text: "Unknown command /jion; did you mean /join?" }],
  ["/kick", { kind: "wrong", text: "Usage: /kick NAME [REASON]" }],
  ["/msg bob", { kind: "wrong", text: "Usage: /msg NAME TEXT" }],
  ["/history many", { kind: "wrong", text: "Usage: /history [N], with N from 1 to 100" }],
  ["/history", { kind: "request", request: { type: "history", room: "#lobby", count: 20 } }],
  ["/history 1", { kind: "request", request: { type: "history", room: "#lobby", count: 1 } }],
  ["/history 100", { kind: "request", request: { type: "history", room: "#lobby", count: 100 } }],
  ["/history 0", { kind: "wrong", text: "Usage: /history [N], with N from 1 to 100" }],
  ["/history 101", { kind: "wrong", text: "Usage: /history [N], with N from 1 to 100" }],
  ["/nick ann ", { kind: "request", request: { type: "nick", nick: "ann" } }],
  ["/leave #dev", { kind: "request", request: { type: "leave", room: "#dev" } }],
  ["/rooms", { kind: "request", request: { type: "rooms" } }],
  ["/who", { kind: "request", request: { type: "who", room: "#lobby" } }],
  ["/announce tea is ready", { kind: "request", request: { type: "announce", text: "tea is ready" } }],
  ["/server-ban bob", { kind: "request", request: { type: "server-ban", nick: "bob" } }],
  ["/exit", { kind: "quit" }],
  ["/help", { kind: "help" }],
  ["/login ann pw", { kind: "wrong", text: "Unknown command /login; see /help" }],
  ["/nope", { kind: "wrong", text: "Unknown command /nope; see /help" }],
];

for (const [line, typed] of CASES) {
  Deno.test(`readTyped() reads "${line}"`, () => assertEquals(readTyped(line, "#lobby"), typed));
}

Deno.test("readTyped() reads the time and the reason of a ban", () => {
  const typed = readTyped("/ban bob 10m spam, again", "#lobby");
  assertEquals(
    JSON.stringify(typed),
    JSON.stringify({
      kind: "request",
      request: { type: "ban", room: "#lobby", nick: "bob", time: "10m", reason: "spam, again" },
    }),
  );
});

Deno.test("readTyped() reports that there is no current room", () => {
  assertEquals(readTyped("/who", undefined).kind, "wrong");
});

Deno.test("readTyped() reads every command that the server has (chat M9)", () => {
  for (const { name, usage } of TYPED_COMMANDS) {
    const typed = readTyped(`/${name} ${usage.includes("[N]") ? "5" : "#bob 10m be kind"}`, "#lobby");
    assertNotEquals(typed.kind, "wrong", name);
    if (typed.kind === "request") {
      assertEquals(parseRequest(typed.request).type === "private", name === "msg");
    }
  }
});
