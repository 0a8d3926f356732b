/** 64 KiB of the worst input for each parser that sees what peers or users send: the time may grow with its length only. */

import { assert, assertThrows } from "@std/assert";
import { Logger } from "@parley/parley";
import { escapeControls, joinLines } from "../../src/base/bytes.ts";
import { isIp } from "../../src/base/ip.ts";
import { suggest } from "../../src/base/suggest.ts";
import { parseDuration, parseSize } from "../../src/base/units.ts";
import { checkLine, checkText, cleanText } from "../../src/chat/clean_text.ts";
import { splitWord } from "../../src/chat/commands/command.ts";
import { TIME } from "../../src/chat/commands/moderation.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL, jsonFormat, textFormat } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import { readInput } from "../../src/chat/input.ts";
import { handleJson } from "../../src/chat/json_input.ts";
import { parseRequest, RequestError } from "../../src/chat/json_request.ts";
import { checkNick, checkRoom } from "../../src/chat/names.ts";
import { withoutTelnetCommands } from "../../src/chat/text_input.ts";
import { handleText } from "../../src/chat/text_input.ts";
import { LineEditor } from "../../src/cli/line_editor.ts";
import { safeText } from "../../src/cli/safe_text.ts";
import { textWidth } from "../../src/cli/text_width.ts";
import { KnownNames } from "../../src/commands/client/chat/known_names.ts";
import { readTyped } from "../../src/commands/client/chat/typed_line.ts";
import { HttpHeadReader } from "../../src/http/head.ts";
import { FakeSession } from "../support/fake_session.ts";

const LENGTH = 64 * 1024;

/** Several times what a slow, busy machine needs, and a fraction of what quadratic time would take. */
const BOUND_MS = 200;

/** Long runs of what a pattern repeats, with an end that makes it fail; 64 KiB each. */
const WORST: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["x", " ", "x\t"],
    ["", " ", "x"],
    ["", " \t", "\n."],
    ["", "\n", "x"],
    ["", "\r", "x"],
    ["", "\r\n", "x\t"],
    ["", "1", ""],
    ["1.", "1", "!"],
    ["", "1d", "!"],
    ["", "\x1b", ""],
    ["", "\x1b[", ""],
    ["#", "a", "!"],
    ["/", "x", ""],
    ["/ban x ", "1", "!"],
    ["/login ", "a ", ""],
    ["/msg ", " ", "x"],
    ["GET ", "/", " "],
    ["a:", " a:", ""],
    ["", ":", ""],
    ["", "\u3164", "\ud800"],
    ["", "\ud800", ""],
    ["", "é.", "-"],
    ["", "\xff", ""],
    ["", "\xff\xfa", ""],
    ["", "\xff\xfa\xff", "x"],
  ].map(([start = "", run = "", end = ""]) => {
    const count = Math.floor((LENGTH - start.length - end.length) / run.length);
    return [`${escapeControls(start)}(${escapeControls(run)})*${escapeControls(end)}`, start + run.repeat(count) + end];
  }),
);

/** Runs it with each of the worst inputs; a refusal is as good as a result. */
function eachWithin(work: (input: string) => unknown): void {
  for (const [name, input] of Object.entries(WORST)) {
    // The best of five: another process may have had the processor meanwhile.
    let bestMs = Infinity;
    for (let attempt = 0; attempt < 5 && bestMs > BOUND_MS; attempt++) {
      const startMs = performance.now();
      try {
        work(input);
      } catch (error) {
        assert(error instanceof Error);
      }
      bestMs = Math.min(bestMs, performance.now() - startMs);
    }
    assert(bestMs <= BOUND_MS, `${name}: ${bestMs} ms`);
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

const PARSERS: Readonly<Record<string, (input: string) => unknown>> = {
  cleanText,
  checkText,
  checkTopic: (input) => checkLine("topic", input),
  checkNick,
  checkRoom,
  splitWord,
  "TIME.test": (input) => TIME.test(input),
  parseDuration,
  parseSize,
  escapeControls,
  joinLines: (input) => joinLines(input, "; "),
  isIp,
  suggest: (input) => suggest(input, Array.from({ length: 30 }, (_, index) => `known-word-${index}`)),
  withoutTelnetCommands: (input) => withoutTelnetCommands(Uint8Array.from(input, (char) => char.charCodeAt(0))),
  "HttpHeadReader.push": (input) => new HttpHeadReader().push(bytesOf(input)),
  safeText,
  textWidth,
  readTyped: (input) => readTyped(input, "#a"),
  "KnownNames.complete": (input) => new KnownNames().complete(input, "#a"),
};

for (const [name, parse] of Object.entries(PARSERS)) {
  Deno.test(`${name}() takes linear time (chat C1)`, () => eachWithin(parse));
}

Deno.test("LineEditor moves and erases by words in linear time (chat C1)", () =>
  eachWithin((input) => {
    for (const name of ["word left", "word right", "erase word"] as const) {
      const editor = new LineEditor({ prompt: "> " });
      editor.onKey({ name: "text", text: input });
      editor.onKey({ name });
    }
  }));

/** Requests that hold the input in each of their fields. */
function requestsWith(text: string): Record<string, unknown>[] {
  const room = "#lobby";
  return [
    { type: "publish", room, text },
    { type: "publish", room: text, text: "x" },
    { type: "publish", room, text: "x", id: text },
    { type: "publish", room, text: "x", [text]: 1 },
    { type: text },
    { type: "private", to: text, text: "x" },
    { type: "private", to: "ann", text },
    { type: "nick", nick: text },
    { type: "join", room: text },
    { type: "join", room, epoch: text, seq: 0 },
    { type: "topic", room, topic: text },
    { type: "ban", room, nick: "bob", time: text },
    { type: "mute", room, nick: text, reason: text },
    { type: "unban", room, nick: text },
    { type: "kick", room, nick: text },
    { type: "announce", text },
    { type: "login", name: text, password: text },
  ];
}

Deno.test("handleJson() answers every request in linear time (chat C1)", async () => {
  await using hub = new Hub({
    log: Logger.of("test"),
    history: createMemoryHistory({ retention: { maxMessages: 10 } }),
  });
  const member = hub.enter(new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL }));
  await hub.join(member, "#lobby");
  const pending: Promise<unknown>[] = [];
  for (const index of requestsWith("").keys()) {
    eachWithin((input) => {
      const result = handleJson(
        hub,
        member,
        readInput(bytesOf(JSON.stringify(requestsWith(input)[index])), jsonFormat),
      );
      if (result instanceof Promise) pending.push(result);
    });
  }
  await Promise.allSettled(pending);
});

Deno.test("handleText() answers every line in linear time (chat C1)", async () => {
  await using hub = new Hub({
    log: Logger.of("test"),
    history: createMemoryHistory({ retention: { maxMessages: 10 } }),
  });
  const member = hub.enter(new FakeSession());
  await hub.join(member, "#lobby");
  const pending: Promise<unknown>[] = [];
  for (const start of ["", "/", "/msg ", "/msg bob ", "/ban bob ", "/nick ", "/topic ", "/join ", "/history "]) {
    eachWithin((input) => {
      const result = handleText(hub, member, readInput(bytesOf(start + input), textFormat));
      if (result instanceof Promise) pending.push(result);
    });
  }
  await Promise.allSettled(pending);
});

Deno.test("before a login a request is not looked at beyond its type (chat C1)", () => {
  const open = new Set(["login"]);
  const ban = { type: "ban", id: "1", room: "#a", nick: "bob", time: "never" };
  assertThrows(() => parseRequest(ban, open), RequestError, "Log in first");
  assertThrows(() => parseRequest(ban), RequestError, "expected a time");
});
