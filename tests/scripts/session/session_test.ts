import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { layOut, wrap } from "../../../scripts/session/layout.ts";
import { recordScenes } from "../../../scripts/session/record.ts";
import { escapeXml, sessionSvg } from "../../../scripts/session/svg.ts";
import { toolTest } from "../../support/tools.ts";

const LAYOUT = { columns: 20, keyMs: 10, pauseMs: 500 };

toolTest("bash", "recordScenes() assigns each command its own lines, in one shell", async () => {
  const folders = { cwd: ".", bin: "/nowhere" };
  const scenes = [
    { command: "(echo ready; exec sleep 60) &", until: /ready/ },
    { command: "echo one; echo two >&2" },
  ];
  const recorded = await recordScenes(scenes, folders);
  assertEquals(recorded.map(({ lines }) => lines.map(({ text }) => text)), [["ready"], ["one", "two"]]);
});

Deno.test("layOut() types a command, then shows output at its recorded time", () => {
  const rows = layOut([
    { command: "check :1", lines: [{ text: "fail  refused", ms: 70 }, { text: "exit 4", ms: 71 }] },
    { command: "echo", lines: [] },
  ], LAYOUT);
  assertEquals(rows.map(({ text, kind, atMs }) => [text, kind, atMs]), [
    ["$ check :1", "command", 400],
    ["fail  refused", "bad", 570],
    ["exit 4", "bad", 571],
    ["$ echo", "command", 1_071],
  ]);
});

Deno.test("wrap() cuts by characters, and keeps an empty line", () => {
  assertEquals(wrap("abcde", 2), ["ab", "cd", "e"]);
  assertEquals(wrap("", 2), [""]);
  assertEquals(wrap("😀😀😀", 2), ["😀😀", "😀"]);
});

Deno.test("sessionSvg() is well-formed, shows all without animation, and needs nothing from outside", () => {
  const rows = layOut([{ command: "echo '<a & b>'", lines: [{ text: "<a & b>\x1b[31m", ms: 5 }] }], LAYOUT);
  const svg = sessionSvg(rows, LAYOUT.columns, "a <title>");
  assertStringIncludes(svg, "&lt;a &amp; b&gt;\\x1b[31m</text>");
  assertStringIncludes(svg, '<title id="title">a &lt;title&gt;</title>');
  assertEquals([...svg.matchAll(/https?:\/\/[^"]+/g)].map(([url]) => url), ["http://www.w3.org/2000/svg"]);
  assert(!/<script|<image|@import|url\(|opacity="0"/.test(svg));
  for (const tag of ["svg", "style", "title", "text", "g"]) {
    const opened = svg.match(new RegExp(`<${tag}[ >]`, "g"))?.length;
    assertEquals(svg.match(new RegExp(`</${tag}>`, "g"))?.length, opened, tag);
  }
});

Deno.test("escapeXml() shows control characters, which XML has no way to hold", () => {
  assertEquals(escapeXml("a\x07\x1b\x7f"), "a\\x07\\x1b\\x7f");
});

Deno.test("the README's picture of a session matches the script's output, and is small", async () => {
  const svg = await Deno.readTextFile(new URL("../../../.github/images/session.svg", import.meta.url));
  assert(svg.length < 30_000);
  for (const program of ["parley-server", "parley-client", "parley-udp"]) assertStringIncludes(svg, `$ ${program} `);
});
