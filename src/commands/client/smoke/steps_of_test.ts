import { parseHex } from "../../../base/bytes.ts";
import { parseDuration } from "../../../base/units.ts";
import { textPayload } from "../../../script/payload.ts";
import { end, expect, expectClose, expectReset, expectSilence, send, type Step } from "../../../script/steps.ts";
import type { SmokeStep } from "./schema.ts";

/** The step of an exchange that a step of a smoke file means. */
export function stepOf(given: SmokeStep): Step {
  if (given.send !== undefined) return send(textPayload(given.send));
  if (given["send-hex"] !== undefined) return send(parseHex(given["send-hex"]));
  if (given.expect !== undefined) return expect(textPayload(given.expect));
  if (given["expect-regex"] !== undefined) return expect(new RegExp(given["expect-regex"], "u"));
  if (given["expect-bytes"] !== undefined) return expect(parseHex(given["expect-bytes"]));
  if (given["expect-silence"] !== undefined) return expectSilence(parseDuration(given["expect-silence"]));
  if (given["expect-close"]) return expectClose();
  return given["expect-reset"] ? expectReset() : end();
}
