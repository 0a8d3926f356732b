import { assert, assertEquals, assertNotMatch, assertThrows } from "@std/assert";
import { FrameError } from "@parley/parley";
import type { RoomMessage } from "../../../../src/chat/message.ts";
import { parseEvent } from "../../../../src/commands/client/chat/parse_event.ts";
import { colorOfName, showEvent } from "../../../../src/commands/client/chat/show_event.ts";

const AT = new Date(2026, 10, 22, 9, 5).toISOString();

function message(fields: Partial<RoomMessage>): RoomMessage {
  return { type: "message", room: "#lobby", seq: 1, epoch: "e", at: AT, from: "ann", text: "hi", ...fields };
}

Deno.test("showEvent() names the room only if it is not the current one", () => {
  const options = { color: false, currentRoom: "#Lobby" };
  assertEquals(showEvent(message({}), options), ["09:05 ann: hi"]);
  assertEquals(showEvent(message({ room: "#dev", action: true }), options), ["09:05 #dev * ann hi"]);
});

Deno.test("showEvent() puts further lines under the name, where no message begins", () => {
  const options = { color: false, currentRoom: "#lobby" };
  assertEquals(showEvent(message({ text: "one\n09:05 bob: two" }), options), [
    "09:05 ann: one",
    "      09:05 bob: two",
  ]);
});

Deno.test("showEvent() marks the reader's name where it is a word", () => {
  const options = { color: true, currentRoom: "#lobby", nick: "Bob|" };
  const [line = ""] = showEvent(message({ text: "@bob| and bob||, bob|!" }), options);
  assert(line.endsWith(": \x1b[1;7m@bob|\x1b[0m and bob||, \x1b[1;7mbob|\x1b[0m!"), line);
});

Deno.test("showEvent() uses one colour per name, whatever its case", () => {
  const [line] = showEvent(message({}), { color: true, currentRoom: "#lobby" });
  assertEquals(line, `\x1b[2m09:05\x1b[0m \x1b[${colorOfName("ANN")}mann\x1b[0m: hi`);
});

Deno.test("showEvent() neutralizes a server's escape sequences", () => {
  const evil = "\x1b]0;x\x07\x1b[2J\r\n";
  for (
    const event of [
      message({ text: evil, from: evil, room: evil }),
      { type: "notice", text: evil } as const,
      { type: "private", from: evil, to: evil, text: evil, at: evil } as const,
    ]
  ) {
    // deno-lint-ignore no-control-regex
    for (const line of showEvent(event, { color: false, currentRoom: undefined })) assertNotMatch(line, /[\x00-\x1f]/);
  }
});

Deno.test("parseEvent() rejects events that no chat server sends, and ignores unknown ones", () => {
  assertEquals(parseEvent('{"type":"later","x":1}'), undefined);
  for (const text of ["", "hello", "[]", "null", '{"a":1}', '{"type":"message","room":"#a","seq":"1"}']) {
    assertThrows(() => parseEvent(text), FrameError);
  }
});
