import { assertEquals } from "@std/assert";
import { writeState } from "../../../src/chat/decision.ts";
import { decode } from "../../../src/chat/nats/room_states.ts";

Deno.test("decode() skips unreadable parts of a room's state, and keeps the rest (chat H1)", () => {
  const mute = { action: "mute", by: "ann", nick: "bob", untilMs: 8.64e19 } as const;
  const restrictions = [{ kind: "mute", subject: "bob", untilMs: 8.64e19 }, { kind: "ban", subject: "cy" }];
  const kept = { topic: "tea", restrictions: [{ kind: "ban", subject: "cy" }] };
  const { state, decision, id } = decode({ state: { topic: "tea", restrictions }, decision: mute, id: "1" });
  assertEquals([state && writeState(state), decision, id] as unknown, [kept, undefined, "1"]);
  const ban = { action: "ban", by: "ann", nick: "cy", untilMs: 1_000 } as const;
  assertEquals(decode({ state: kept, decision: ban }).decision, ban);
  for (const value of [undefined, null, 7, "x", {}, { state: 7 }]) assertEquals(decode(value).state, undefined);
});
