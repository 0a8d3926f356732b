import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { completeName, parseTyped } from "../../../src/chat/page/composer.js";
import { compareNames, initialsOf, mentions, piecesOf } from "../../../src/chat/page/text.js";
import type { Piece } from "../../../src/chat/page/types.ts";

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

Deno.test("piecesOf() keeps code verbatim, and drops the line ends around a block", () => {
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

Deno.test("initialsOf() returns one or two letters", () => {
  assertEquals(["ada", "li-wei", "_x_", "[]"].map(initialsOf), ["A", "LW", "X", "["]);
});

const LINKS: readonly [text: string, link: string | undefined][] = [
  ["see https://en.example/wiki/Sea_(Baltic)", "https://en.example/wiki/Sea_(Baltic)"],
  ["(see https://en.example/wiki/Sea_(Baltic))", "https://en.example/wiki/Sea_(Baltic)"],
  ["(https://a.example/).", "https://a.example/"],
  ["[https://a.example/x[1]]", "https://a.example/x[1]"],
  ["http://[::1]", "http://[::1]"],
  ["http://[::1]:8080/,", "http://[::1]:8080/"],
  ["{https://a.example/{id}}", "https://a.example/{id}"],
  ["https://a.example/?q=(((", "https://a.example/?q=((("],
  ["https://a.example/)))!?", "https://a.example/"],
  ['"https://a.example/x"', "https://a.example/x"],
  ["<https://a.example/x>", "https://a.example/x"],
  ["https://a.example/\u202etxt.exe", "https://a.example/"],
  ["ראו https://a.example/x, תודה", "https://a.example/x"],
  ["xhttps://a.example/", undefined],
  ["https://...", undefined],
];

for (const [text, link] of LINKS) {
  Deno.test(`piecesOf() finds ${link ?? "no link"} in ${JSON.stringify(text)} (fault 35)`, () => {
    const pieces = piecesOf(text, "ada");
    assertEquals(pieces.filter(({ kind }) => kind === "link").map((piece) => piece.text), link ? [link] : []);
    assertEquals(pieces.map((piece) => piece.text).join(""), text);
  });
}

const CODE: readonly [text: string, pieces: [Piece["kind"], string][]][] = [
  ["```x```", [["block", "x"]]],
  ["a\n\n```\nx\n\n```\n\nb", [["text", "a\n"], ["block", "x\n"], ["text", "\nb"]]],
  ["```ts\n```", [["block", "ts"]]],
  ["````x```", [["block", "`x"]]],
  ["``` ```", [["text", "``` ```"]]],
  ["``x``", [["text", "``x``"]]],
  ["`a\nb` `c`", [["text", "`a\nb"], ["code", " "], ["text", "c`"]]],
  ["`a`` `b`", [["text", "`a`` "], ["code", "b"]]],
  ["```open `c`", [["text", "```open "], ["code", "c"]]],
];

for (const [text, pieces] of CODE) {
  Deno.test(`piecesOf() finds the code in ${JSON.stringify(text)}`, () => {
    assertEquals(piecesOf(text, "").map((piece) => [piece.kind, piece.text]), pieces);
  });
}

Deno.test("mentions() and initialsOf() take the letters of every script (fault 35)", () => {
  assertEquals(mentions("Жанна, где ты?", "жанна"), true);
  assertEquals(mentions("Жаннат", "жанна"), false);
  assertEquals(mentions("so a-b|c said", "a-b|c"), true);
  assertEquals(["Жанна", "李-伟", "𝒜da"].map(initialsOf), ["Ж", "李伟", "𝒜"]);
});

const KIB_64 = 64 * 1024;

/** What makes patterns go back and try again. */
const WORST = [
  "`",
  "```",
  "``` ",
  "` ",
  "`\n",
  "a`",
  "```a",
  "```\n",
  " ",
  "\n",
  " \n",
  "a",
  "a ",
  "-",
  "_",
  "@",
  "@a",
  "a@",
  "1",
  "1.",
  "(",
  ")",
  "()",
  "(]",
  "http://",
  "http://(",
  "http://)",
  "https://a.example/)",
  "https://a",
  "http",
  ".",
  "\u202e",
  "א",
  "😀",
  "\ud800",
].flatMap((unit) => ["", "x", "`", "/", "\n", "http://"].map((end) => unit.repeat(KIB_64 / unit.length) + end));
WORST.push("`".repeat(KIB_64 / 3) + "a".repeat(KIB_64 * 2 / 3), `\`\`\`${" ".repeat(KIB_64)}\`\`\``);

/** Several times what a busy machine needs, and a fraction of what quadratic time would take. */
const LIMIT_MS = 250;

/** The shortest of some tries, in time of the processor: others that use it do not count, and the collector not always. */
function timeOf(run: () => unknown): number {
  let bestMs = Infinity;
  for (let tries = 0; tries < 10 && bestMs >= LIMIT_MS; tries++) {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    bestMs = Math.min(bestMs, (user + system) / 1_000);
  }
  return bestMs;
}

const LINEAR: Readonly<Record<string, (text: string) => unknown>> = {
  "piecesOf()": (text) => piecesOf(text, "a"),
  "mentions()": (text) => mentions(text, "a".repeat(32)),
  "initialsOf()": initialsOf,
  "parseTyped()": (text) => parseTyped(text, { name: "#a", isRoom: true }),
  "parseTyped() of /ban": (text) => parseTyped(`/ban bob ${text}`, { name: "#a", isRoom: true }),
  "parseTyped() of a command": (text) => parseTyped(`/${text}`, { name: "#a", isRoom: true }),
  "completeName()": (text) => completeName(text, text.length, ["ada"]),
};

for (const [name, run] of Object.entries(LINEAR)) {
  Deno.test(`${name} takes linear time for 64 KiB of the worst input (chat H2)`, () => {
    const slow = WORST.map((text) => [text.slice(0, 12), timeOf(() => run(text))] as const);
    assertEquals(slow.filter(([, ms]) => ms >= LIMIT_MS), []);
  });
}

Deno.test("compareNames() sorts the names of a full list by their numbers, in a fraction of a second", () => {
  const names = Array.from({ length: 2_000 }, (_, index) => `guest${index * 7_919 % 2_000}`);
  assertEquals(names.toSorted(compareNames), Array.from({ length: 2_000 }, (_, index) => `guest${index}`));
  assert(timeOf(() => names.toSorted(compareNames)) < LIMIT_MS);
});
