import { assertEquals } from "@std/assert";
import { parseEndpoint } from "@parley/parley";
import { Expectations } from "../../src/script/expectations.ts";
import { Inbox } from "../../src/script/inbox.ts";
import { matchBytes } from "../../src/script/match.ts";
import { patternOf } from "../../src/script/steps.ts";
import { FakeTime } from "../support/fake_time.ts";

const MAX_MESSAGES = 16_384;

const message = (text: string) => ({ data: new TextEncoder().encode(text), isText: true });

function inboxWith(...texts: readonly string[]): Inbox {
  const inbox = new Inbox(true);
  for (const text of texts) inbox.push(message(text));
  return inbox;
}

Deno.test("Inbox keeps the last 16,384 (MAX_MESSAGES) messages, however short", () => {
  const inbox = inboxWith("first", ...Array(MAX_MESSAGES - 1).fill(""));
  assertEquals([inbox.first?.data.length, inbox.consumedBytes], [5, 0]);
  inbox.push(message(""));
  assertEquals([inbox.first?.data.length, inbox.consumedBytes, inbox.isEmpty], [0, 5, false]);
  for (let count = 0; count < MAX_MESSAGES; count++) inbox.takeFirst();
  assertEquals([inbox.first, inbox.isEmpty], [undefined, true]);
});

Deno.test("Inbox.find() looks at the messages from a number on, also after earlier ones were taken", () => {
  const inbox = inboxWith("a", "b");
  const seen: string[] = [];
  const find = (from: number) =>
    inbox.find(
      (bytes) => {
        seen.push(new TextDecoder().decode(bytes));
        return matchBytes(new TextEncoder().encode("x"), bytes);
      },
      undefined,
      from,
    );
  assertEquals([find(0), inbox.nextNumber, seen.splice(0)], [undefined, 2, ["a", "b"]]);
  inbox.takeFirst();
  inbox.push(message("x"));
  assertEquals([find(2)?.unit, inbox.nextNumber, seen.splice(0)], [1, 3, ["x"]]);
});

Deno.test("an expectation looks at each message once", async () => {
  const looked: number[] = [];
  class WatchedInbox extends Inbox {
    override find(...[match, isText, from]: Parameters<Inbox["find"]>): ReturnType<Inbox["find"]> {
      return super.find((bytes) => (looked.push(bytes[0] ?? 0), match(bytes)), isText, from);
    }
  }
  const inbox = new WatchedInbox(true);
  const session = { kind: "websocket", remote: parseEndpoint("ws://127.0.0.1:1/"), closeFrame: undefined } as const;
  const expected = new Expectations(session, inbox, new Map(), 60_000).pattern(patternOf("x"), message("x").data);
  for (const text of ["a", "b", "x"]) {
    inbox.push(message(text));
    await Promise.resolve();
  }
  assertEquals((await expected).data, message("x").data);
  assertEquals(new TextDecoder().decode(Uint8Array.from(looked)), "abx");
});

Deno.test("Inbox.change() waits longer than the 24 days of a timer", async () => {
  using time = new FakeTime();
  const inbox = new Inbox(true);
  let outcome: boolean | undefined;
  void inbox.change(2 ** 31 + 5).then((changed) => outcome = changed);
  await time.advance(2 ** 31 + 4);
  assertEquals(outcome, undefined);
  await time.advance(1);
  assertEquals(outcome, false);
});

Deno.test("Inbox.change() does not time out while received data is held back, and its clock stands still", async () => {
  for (const beforeMs of [0, 50]) {
    using time = new FakeTime();
    const inbox = new Inbox(false);
    const startMs = inbox.nowMs;
    const changed = inbox.change(100);
    await time.advance(beforeMs);
    inbox.hold();
    await time.advance(5_000);
    const held = inbox.change(0);
    inbox.push(message("a"));
    assertEquals([await changed, await held, inbox.nowMs - startMs], [true, true, beforeMs]);
    const late = inbox.change(100);
    await time.advance(100);
    assertEquals([await late, inbox.nowMs - startMs, time.timerCount], [false, beforeMs + 100, 0]);
  }
});

Deno.test("the Inbox's clock runs while data is held for less than 20 ms (MIN_HOLD_MS): a flood is no pause", async () => {
  for (const [holdMs, passedMs] of [[19, 190], [20, 0]] as const) {
    using time = new FakeTime();
    const inbox = new Inbox(true);
    const startMs = inbox.nowMs;
    for (let count = 0; count < 10; count++) {
      inbox.hold();
      await time.advance(holdMs);
      assertEquals(await Promise.race([inbox.change(0), "held"]), holdMs < 20 ? false : "held");
      inbox.push(message("a"));
    }
    assertEquals(inbox.nowMs - startMs, passedMs);
  }
});
