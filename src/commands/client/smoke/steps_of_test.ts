import { parseHex } from "../../../base/bytes.ts";
import { parseDuration } from "../../../base/units.ts";
import { bytesPayload, textPayload } from "../../../script/payload.ts";
import type { Step } from "../../../script/step.ts";
import type { SmokeStep } from "./schema.ts";

/** The step of an exchange that a step of a smoke file means. */
export function stepOf(given: SmokeStep): Step {
  if (given.send !== undefined) return { kind: "send", data: textPayload(given.send), isText: true };
  if (given["send-hex"] !== undefined) {
    return { kind: "send", data: bytesPayload(parseHex(given["send-hex"])), isText: false };
  }
  if (given.expect !== undefined) {
    return { kind: "expect", pattern: { kind: "text", text: textPayload(given.expect) } };
  }
  if (given["expect-regex"] !== undefined) {
    return { kind: "expect", pattern: { kind: "regex", source: given["expect-regex"] } };
  }
  if (given["expect-bytes"] !== undefined) {
    return { kind: "expect", pattern: { kind: "bytes", bytes: parseHex(given["expect-bytes"]) } };
  }
  if (given["expect-silence"] !== undefined) {
    return { kind: "silence", forMs: parseDuration(given["expect-silence"]) };
  }
  if (given["expect-close"]) return { kind: "close" };
  return { kind: given["expect-reset"] ? "reset" : "end" };
}
