import { assert, assertEquals } from "@std/assert";
import { restrictionOf, Restrictions } from "../../src/chat/restrictions.ts";

Deno.test("find() distinguishes names in any case, addresses, bans and mutes", () => {
  const restrictions = new Restrictions();
  assert(restrictions.isEmpty);
  restrictions.add(restrictionOf("ban", "Bob"));
  restrictions.add(restrictionOf("mute", "10.0.0.7"));
  assert(restrictions.find("ban", ["bOB", undefined]));
  assert(restrictions.find("mute", ["ann", "10.0.0.7"]));
  assertEquals(restrictions.find("mute", ["bob"]), undefined);
  assertEquals(restrictions.remove("ban", "BOB"), true);
  assertEquals(restrictions.remove("ban", "bob"), false);
});

Deno.test("find() forgets expired restrictions", () => {
  let nowMs = 0;
  const restrictions = new Restrictions(() => nowMs);
  restrictions.add(restrictionOf("ban", "bob", 100));
  nowMs = 99;
  assert(restrictions.find("ban", ["bob"]));
  nowMs = 100;
  assertEquals(restrictions.find("ban", ["bob"]), undefined);
  assert(restrictions.isEmpty);
});

const WAYS_AROUND: readonly [banned: string, tried: string, isBanned: boolean][] = [
  ["2001:db8::1", "2001:db8::ffff:2", true],
  ["2001:db8::1", "2001:DB8:0:0:0::1", true],
  ["2001:db8::1", "2001:db8:0:1::1", false],
  ["2001:db8:0:0:1::/80", "2001:db8::7", true],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["::ffff:10.0.0.7", "10.0.0.7", true],
  ["10.0.0.7", "::ffff:10.0.0.7", true],
  ["10.0.0.7", "::ffff:a00:7", true],
  ["10.0.0.7", "10.0.0.8", false],
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "::ffff:10.1.2.3", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["0.0.0.0/0", "2001:db8::1", false],
];

Deno.test("find() knows an address however it is written, and all of a range (chat M4)", () => {
  for (const [banned, tried, isBanned] of WAYS_AROUND) {
    const restrictions = new Restrictions();
    restrictions.add(restrictionOf("ban", banned));
    assertEquals(restrictions.find("ban", ["bob", tried]) !== undefined, isBanned, `${tried} by ${banned}`);
    assertEquals(restrictions.find("mute", ["bob", tried]), undefined);
  }
});

Deno.test("a range ends like any other restriction, and is taken back by any way to write it (chat M4)", () => {
  let nowMs = 0;
  const restrictions = new Restrictions(() => nowMs);
  restrictions.add(restrictionOf("ban", "10.0.0.0/8", 100));
  nowMs = 100;
  assertEquals(restrictions.find("ban", ["10.0.0.7"]), undefined);
  restrictions.add(restrictionOf("ban", "2001:db8::1"));
  assertEquals(restrictions.remove("ban", "2001:db8:0:0:ffff::"), true);
  assert(restrictions.isEmpty);
});
