import { assert, assertEquals } from "@std/assert";
import { Restrictions } from "../../src/chat/restrictions.ts";

Deno.test("find() tells a name whatever its case, an address, and bans from mutes", () => {
  const restrictions = new Restrictions();
  assert(restrictions.isEmpty);
  restrictions.add("ban", "Bob");
  restrictions.add("mute", "10.0.0.7");
  assert(restrictions.find("ban", ["bOB", undefined]));
  assert(restrictions.find("mute", ["ann", "10.0.0.7"]));
  assertEquals(restrictions.find("mute", ["bob"]), undefined);
  assertEquals(restrictions.remove("ban", "BOB"), true);
  assertEquals(restrictions.remove("ban", "bob"), false);
});

Deno.test("find() forgets what has ended", () => {
  let nowMs = 0;
  const restrictions = new Restrictions(() => nowMs);
  restrictions.add("ban", "bob", 100);
  nowMs = 99;
  assert(restrictions.find("ban", ["bob"]));
  nowMs = 100;
  assertEquals(restrictions.find("ban", ["bob"]), undefined);
  assert(restrictions.isEmpty);
});
