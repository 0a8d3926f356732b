import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import type { RecordedEvent, Side } from "../../src/script/recording.ts";
import { type ReplayOptions, replaySteps } from "../../src/script/replay_steps.ts";

function event(atMs: number, from: Side, text?: string): RecordedEvent {
  return { atMs, from, data: text === undefined ? undefined : utf8(text) };
}

const EVENTS = [
  event(0, "server", "220 "),
  event(10, "server", "hi\n"),
  event(110, "client", "QUIT\n"),
  event(120, "client"),
  event(130, "server"),
];

function kinds(options: Partial<ReplayOptions>): string[] {
  return replaySteps(EVENTS, {
    isMessageWise: false,
    framing: "line",
    canHalfClose: true,
    isTimed: false,
    ignoresReplies: false,
    ...options,
  })
    .map((step) => step.kind === "delay" ? `delay ${step.forMs}` : step.kind);
}

Deno.test("replaySteps() joins in a stream what one side said at a time", () => {
  assertEquals(kinds({}), ["expect", "send", "end", "expect-close"]);
});

Deno.test("replaySteps() keeps each message for itself", () => {
  assertEquals(kinds({ isMessageWise: true }), ["expect", "expect", "send", "end", "expect-close"]);
});

Deno.test("replaySteps() omits the ends if there is no half-close", () => {
  assertEquals(kinds({ canHalfClose: false }), ["expect", "send"]);
});

Deno.test("replaySteps() pauses as the client did, and may leave the answers out", () => {
  assertEquals(kinds({ isTimed: true, ignoresReplies: true, isMessageWise: true }), [
    "delay 100",
    "send",
    "delay 10",
    "end",
  ]);
});
