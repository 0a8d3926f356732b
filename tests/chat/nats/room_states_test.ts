import { assertEquals } from "@std/assert";
import { decode } from "../../../src/chat/nats/room_states.ts";

Deno.test("decode() leaves out what cannot be read of a room's state, and keeps the rest (chat H1)", () => {
  const mute = { action: "mute", by: "ann", nick: "bob", untilMs: 8.64e19 } as const;
  const restrictions = [{ kind: "mute", subject: "bob", untilMs: 8.64e19 }, { kind: "ban", subject: "cy" }];
  const kept = { topic: "tea", restrictions: [{ kind: "ban", subject: "cy" }] };
  assertEquals(decode({ state: { topic: "tea", restrictions }, decision: mute, id: "1" }), {
    state: kept,
    decision: undefined,
    id: "1",
  } as ReturnType<typeof decode>);
  const ban = { action: "ban", by: "ann", nick: "cy", untilMs: 1_000 } as const;
  assertEquals(decode({ state: kept, decision: ban }).decision, ban);
  for (const value of [undefined, null, 7, "x", {}, { state: 7 }]) assertEquals(decode(value).state, undefined);
});
