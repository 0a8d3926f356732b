import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { excerpt, utf8 } from "../../src/base/bytes.ts";
import { jsonFormat, textFormat } from "../../src/log/format.ts";
import type { LogRecord } from "../../src/log/logger.ts";

function record(text: string, fields: Record<string, unknown>): LogRecord {
  return { level: "info", timestamp: Date.UTC(2026, 10, 22, 9, 15, 2, 120), text, fields };
}

const text = textFormat({ color: false });

Deno.test("textFormat() writes time, level, context, text and fields", () => {
  assertEquals(
    text(record("accepted", { context: "HTTP API", connection: 3, peer: "tcp://127.0.0.1:9", note: undefined })),
    "09:15:02.120 info [HTTP API] accepted connection=3 peer=tcp://127.0.0.1:9",
  );
});

Deno.test("textFormat() quotes values with blanks, quotes or equals signs", () => {
  assertEquals(
    text(record("said", { a: "two words", b: 'q"q', c: "x=y", d: "", e: ["l", 1] })),
    `09:15:02.120 info said a="two words" b="q\\"q" c="x=y" d="" e=${JSON.stringify('["l",1]')}`,
  );
});

Deno.test("textFormat() lets no peer forge a line or command the terminal", () => {
  const evil = "x\n00:00:00.000 error [root] all is lost\x1b[2J\x9b31m\u2028\x7f";
  for (
    const line of [text(record(evil, {})), text(record("said", { evil })), text(record("said", { context: evil }))]
  ) {
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(line), line);
  }
});

Deno.test("textFormat() escapes what changes the direction of text, in text, context and values (fault 57)", () => {
  for (const mark of ["\u202e", "\u061c", "\u200f", "\u2066", "\u2069"]) {
    const evil = `gpj${mark}exe`;
    const shown = `gpj\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}exe`;
    assertEquals(
      text(record(evil, { context: evil, value: evil })),
      `09:15:02.120 info [${shown}] ${shown} value="${shown}"`,
    );
  }
});

Deno.test("jsonFormat and textFormat() keep a tab and a backslash with a t apart (fault 57)", () => {
  const tab = record("replied", { reply: excerpt(utf8("a\tb")) });
  const backslash = record("replied", { reply: excerpt(utf8("a\\tb")) });
  assertEquals(JSON.parse(jsonFormat(tab)).reply, "a\tb");
  assertEquals(JSON.parse(jsonFormat(backslash)).reply, "a\\tb");
  assertNotEquals(text(tab), text(backslash));
});

Deno.test("jsonFormat preserves every character of a value, and escapes control characters (fault 57)", () => {
  const evil = '\u0000\t\r\n\\n\u001b[2J\u007f\u009b\u2028\u202e"';
  const line = jsonFormat(record(evil, { context: evil, evil }));
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\x7f-\x9f\u2028\u202e]/.test(line), line);
  const { text, context, evil: value } = JSON.parse(line);
  assertEquals([text, context, value], [evil, evil, evil]);
});

Deno.test("textFormat() colours the level only if colours are permitted", () => {
  assert(textFormat({ color: true })(record("hi", {})).includes("\x1b[32minfo\x1b[0m"));
  assert(!text(record("hi", {})).includes("\x1b"));
});

Deno.test("jsonFormat writes one object a line, whatever is in it", () => {
  const line = jsonFormat(record("a\nb", { context: "chat", peer: "tcp://127.0.0.1:9", evil: "x\ny" }));
  assert(!line.includes("\n"));
  assertEquals(JSON.parse(line), {
    time: "2026-11-22T09:15:02.120Z",
    level: "info",
    context: "chat",
    text: "a\nb",
    peer: "tcp://127.0.0.1:9",
    evil: "x\ny",
  });
});
