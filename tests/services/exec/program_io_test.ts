import { assertEquals, assertStrictEquals } from "@std/assert";
import { parseFraming } from "@parley/parley";
import { utf8 } from "../../../src/base/bytes.ts";
import { Logger } from "../../../src/log/logger.ts";
import { ErrorOutputLog, formatFor, OutputReader, toInput } from "../../../src/services/exec/program_io.ts";
import type { Message } from "../../../src/session/session.ts";
import { FakeSession } from "../../support/fake_session.ts";

const STREAM = new FakeSession();
const WEBSOCKET = new FakeSession({ kind: "websocket" });

/** A logger, and the lines that it was given. */
function recorder(): { log: Logger; lines: unknown[] } {
  const lines: unknown[] = [];
  const take = (level: string) => (text: string, fields?: object) => void lines.push([level, text, fields]);
  const log = Object.assign(Object.create(Logger.prototype), { info: take("info"), warning: take("warning") });
  return { log, lines };
}

function message(text: string): Message {
  return { data: utf8(text), isText: true };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

Deno.test("formatFor() turns WebSocket messages into lines unless a framing or --binary is given", () => {
  const length = parseFraming("length:1");
  const names = [
    formatFor(STREAM),
    formatFor(WEBSOCKET),
    formatFor(WEBSOCKET, undefined, true),
    formatFor(WEBSOCKET, length),
    formatFor(STREAM, length),
  ].map(({ codec: { name }, isBinary }) => [name, isBinary]);
  assertEquals(names, [["raw", false], ["line", false], ["raw", true], [length.name, false], [length.name, false]]);
});

Deno.test("toInput() passes bytes on, ends lines, and frames what has a framing", () => {
  const raw = message("one");
  assertStrictEquals(toInput([raw], formatFor(STREAM)), raw.data);
  const batch = [message("one"), message("two\nlines")];
  assertEquals(textOf(toInput(batch, formatFor(STREAM))), "onetwo\nlines");
  assertEquals(textOf(toInput(batch, formatFor(WEBSOCKET))), "one\ntwo\nlines\n");
  assertEquals(textOf(toInput([message("one")], formatFor(WEBSOCKET))), "one\n");
  assertEquals(textOf(toInput(batch, formatFor(STREAM, parseFraming("length:1")))), "\x03one\x09two\nlines");
});

Deno.test("OutputReader returns lines as text, invalid UTF-8 and --binary as bytes, and the rest at the end", () => {
  const { log, lines } = recorder();
  const read = (reader: OutputReader, ...pieces: string[]) => {
    const found = pieces.flatMap((piece) => {
      const bytes = Uint8Array.from(piece, (char) => char.charCodeAt(0));
      return Array.from(reader.push(bytes), ({ data, isText }) => [textOf(data), isText]);
    });
    return [...found, ...Array.from(reader.end(), ({ data, isText }) => [textOf(data), isText])];
  };
  assertEquals(read(new OutputReader(formatFor(WEBSOCKET), log), "one\ntw", "o\n\xff\nrest"), [
    ["one", true],
    ["two", true],
    ["\xff", false],
    ["rest", true],
  ]);
  assertEquals(read(new OutputReader(formatFor(WEBSOCKET, undefined, true), log), "one\n"), [["one\n", false]]);
  assertEquals(read(new OutputReader(formatFor(STREAM, parseFraming("line"), true), log), "one\n"), [["one", false]]);
  assertEquals(lines, []);
  assertEquals(read(new OutputReader(formatFor(STREAM, parseFraming("length:1")), log), "\x03one\x05tw"), [
    ["one", false],
  ]);
  const [[level, text]] = lines as [[string, string]];
  assertEquals([lines.length, level, text], [1, "warning", "the program's output ended within a message"]);
});

Deno.test("ErrorOutputLog logs each line of standard error, also the last without an end", () => {
  const { log, lines } = recorder();
  const errors = new ErrorOutputLog(log);
  errors.push(utf8("one\ntw"));
  assertEquals(lines, [["info", "one", { stream: "stderr" }]]);
  errors.push(utf8("o\n"));
  errors.push(utf8("rest"));
  errors.end();
  assertEquals(lines.slice(1), [["info", "two", { stream: "stderr" }], ["info", "rest", { stream: "stderr" }]]);
});
