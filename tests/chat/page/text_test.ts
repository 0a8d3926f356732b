import { assertEquals } from "@std/assert";
import { initialsOf, mentions, piecesOf } from "../../../src/chat/page/text.js";

Deno.test("piecesOf() finds links and the reader's name, and leaves markup as text", () => {
  assertEquals(piecesOf("<b>@Ada</b>: see https://a.example/x?y=1, or (http://b.example).", "ada"), [
    { kind: "text", text: "<b>" },
    { kind: "mention", text: "@Ada" },
    { kind: "text", text: "</b>: see " },
    { kind: "link", text: "https://a.example/x?y=1" },
    { kind: "text", text: ", or (" },
    { kind: "link", text: "http://b.example" },
    { kind: "text", text: ")." },
  ]);
});

Deno.test("piecesOf() leaves what is in code as it is, and the line ends around a block out", () => {
  assertEquals(piecesOf("see `ada` in:\n```ts\nconst x = `ada`;\n```\nada", "ada"), [
    { kind: "text", text: "see " },
    { kind: "code", text: "ada" },
    { kind: "text", text: " in:" },
    { kind: "block", text: "const x = `ada`;" },
    { kind: "mention", text: "ada" },
  ]);
  assertEquals(piecesOf("``` and `` and `", "ada"), [{ kind: "text", text: "``` and `` and `" }]);
});

Deno.test("piecesOf() makes no link of other schemes", () => {
  assertEquals(piecesOf("javascript:alert(1)", "ada"), [{ kind: "text", text: "javascript:alert(1)" }]);
});

Deno.test("mentions() takes names whole, whatever is in them", () => {
  assertEquals(mentions("adam and anada", "ada"), false);
  assertEquals(mentions("ask [x]|y, please", "[x]|y"), true);
  assertEquals(mentions("anything", ""), false);
});

Deno.test("initialsOf() gives one or two letters", () => {
  assertEquals(["ada", "li-wei", "_x_", "[]"].map(initialsOf), ["A", "LW", "X", "["]);
});
