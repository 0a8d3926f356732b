/**
 * Schema of the steps in script files, for both sides of a connection.
 *
 * @module
 */

import * as z from "zod";
import { parseHex, unescape } from "../../base/bytes.ts";
import { messageOf } from "../../base/errors.ts";
import { parseDuration, parseTimerDuration } from "../../base/units.ts";
import { parseFraming } from "../../framing/mod.ts";
import { textPayload } from "../payload.ts";
import {
  close,
  delay,
  end,
  expect,
  expectClose,
  expectExactly,
  expectReset,
  expectSilence,
  reset,
  send,
  type Step,
} from "../steps.ts";

/** Text validated by one of Parley's parsers. */
export function parsedBy(parse: (text: string) => unknown, description: string, example?: string) {
  return z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error) });
    }
  }).meta({ description, ...(example === undefined ? {} : { examples: [example] }) });
}

/** Rejects empty values, such as the text of an unset variable: a check against them would always succeed. */
export function something(parse: (text: string) => string | Uint8Array | RegExp | number): (text: string) => unknown {
  return (text) => {
    const parsed = text === "" ? "" : parse(text);
    if (parsed === 0) throw new SyntaxError("must not be zero");
    if (typeof parsed === "string" || parsed instanceof Uint8Array) {
      if (parsed.length === 0) throw new SyntaxError("must not be empty");
    }
    return parsed;
  };
}

/** A duration for a timer. */
export const duration = (description: string, example: string) => parsedBy(parseTimerDuration, description, example);
/** A small number. */
export const count = (description: string) => z.int().min(0).max(1_000).meta({ description });
/** A non-empty text. */
export const text = (description: string) => parsedBy(something((value) => value), description);
/** The framing. */
export const framing = parsedBy((name) => parseFraming(name), "The framing: how messages are delimited", "line");
/** A text with escapes and placeholders for captured groups. */
export const template = (description: string) => parsedBy(unescape, description, "hello {1}\\n");
/** The source of a regular expression. */
export const regex = (description: string) =>
  parsedBy(something((source) => new RegExp(source, "u")), description, "^250 (\\w+)");
/** Bytes in hexadecimal. */
export const hex = (description: string) => parsedBy(something(parseHex), description, "0a 0b");

const yes = (description: string) => z.literal(true).meta({ description });
const closeCode = z.int().min(1000).max(4999);
const byteCount = (description: string) => z.int().min(1).max(1024 ** 3).meta({ description });

const ACTIONS = {
  send: template("Send this text; \\n \\r \\t \\0 \\xHH are escapes, {1} and {name} captured groups"),
  "send-hex": parsedBy(parseHex, "Send these bytes", "0a 0b 0c"),
  delay: duration("Wait", "200ms"),
  end: yes("End this side of the connection (half-close)"),
  close: z.union([z.literal(true), closeCode, z.strictObject({ code: closeCode, text: z.string().optional() })])
    .meta({ description: "Close the connection; over WebSocket with this close code" }),
  reset: yes("Reset the connection (TCP)"),
  expect: parsedBy(something(unescape), "Wait until this text is received", "hello"),
  "expect-regex": regex("Wait until the received data matches; its groups are captured"),
  "expect-bytes": hex("Wait until these bytes are received"),
  "expect-exactly": parsedBy(something(unescape), "This text, and nothing before it, must come next", "hello"),
  "expect-close": z.union([z.literal(true), closeCode]).meta({
    description: "Wait until the peer ends the connection; over WebSocket with this close code",
  }),
  "expect-reset": yes("Wait until the peer resets the connection"),
  "expect-silence": parsedBy(something(parseTimerDuration), "Check that nothing more is received for a time", "500ms"),
};

const MODIFIERS = {
  type: z.enum(["text", "binary"]).meta({ description: "Type of the WebSocket message" }),
  slice: byteCount("Send this many bytes at a time"),
  every: duration("Wait between two slices", "10ms"),
  truncate: byteCount("Send only the first bytes of the message, framing included"),
};

const actionOf = (given: object) => Object.keys(given).filter((key) => key in ACTIONS);

/** One step of an exchange. */
export const step = z.strictObject({ ...ACTIONS, ...MODIFIERS }).partial()
  .refine((given) => actionOf(given).length === 1, "a step has exactly one action")
  .refine(
    ({ slice, every, truncate, ...given }) =>
      actionOf(given)[0]?.startsWith("send") || (slice ?? every ?? truncate) === undefined,
    "slice, every and truncate require a step that sends",
  )
  .refine(({ slice, every }) => slice !== undefined || every === undefined, "every requires slice")
  .refine(
    ({ type, ...given }) =>
      type === undefined || /^(?:send|expect)(?:-hex|-regex|-bytes|-exactly)?$/.test(actionOf(given)[0] ?? ""),
    "type requires a step that sends or expects a message",
  )
  .meta({ description: "One step of an exchange", minProperties: 1 });

/** A step in a file. */
export type StepText = z.infer<typeof step>;

/** Whether a step of this key waits for the peer. */
export function isExpectation(key: string): boolean {
  return key.startsWith("expect");
}

/** Converts a step of a file. */
export function stepOf(given: StepText): Step {
  const { slice, every, truncate } = given;
  const type = given.type === undefined ? {} : { isText: given.type === "text" };
  const how = { ...type, slice, every, truncate };
  if (given.send !== undefined) return send(textPayload(given.send), how);
  if (given["send-hex"] !== undefined) return send(parseHex(given["send-hex"]), how);
  if (given.delay !== undefined) return delay(parseDuration(given.delay));
  if (given.expect !== undefined) return expect(textPayload(given.expect), type);
  if (given["expect-regex"] !== undefined) return expect(new RegExp(given["expect-regex"], "u"), type);
  if (given["expect-bytes"] !== undefined) return expect(parseHex(given["expect-bytes"]), type);
  if (given["expect-exactly"] !== undefined) return expectExactly(unescape(given["expect-exactly"]), type);
  if (given["expect-silence"] !== undefined) return expectSilence(given["expect-silence"]);
  const ending = given["expect-close"];
  if (ending !== undefined) return expectClose(ending === true ? undefined : ending);
  if (given["expect-reset"]) return expectReset();
  if (given.reset) return reset();
  if (given.close === undefined) return end();
  if (given.close === true) return close();
  return typeof given.close === "number" ? close(given.close) : close(given.close.code, given.close.text);
}
