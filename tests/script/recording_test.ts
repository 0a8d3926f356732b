import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { parseRecording } from "../../src/script/recording.ts";

const HEAD = '{"recording":1,"at":"2026-01-01T00:00:00Z","endpoint":"tcp://h:1","framing":"raw"}';

function lineWith(fields: string): string {
  return `{"at":"2026-01-01T00:00:01Z","from":"client",${fields}}`;
}

Deno.test("parseRecording() decodes base64", () => {
  const { events } = parseRecording(`${HEAD}\n${lineWith('"base64":"/wD+"')}\n`, "r.jsonl");
  assertEquals(events[0]?.data, Uint8Array.of(0xff, 0, 0xfe));
});

Deno.test("parseRecording() rejects invalid base64 and names the line, even after empty lines", () => {
  assertThrows(
    () => parseRecording(`${HEAD}\n\n${lineWith('"base64":"/wD!"')}\n`, "r.jsonl"),
    UsageError,
    "Cannot read the recording r.jsonl, line 3: ",
  );
});
