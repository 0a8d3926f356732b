import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { AccessList, parseAccessRules } from "../../src/guard/access_list.ts";
import { parseIp } from "../../src/base/ip.ts";
import { isInCidr, parseCidr } from "../../src/base/cidr.ts";

function isIn(address: string, range: string): boolean {
  const bytes = parseIp(address);
  assert(bytes, `${address} is no address`);
  return isInCidr(bytes, parseCidr(range));
}

Deno.test("isInCidr() compares the bits of the prefix and no others", () => {
  assert(isIn("10.255.0.1", "10.0.0.0/8"));
  assertFalse(isIn("11.0.0.1", "10.0.0.0/8"));
  assert(isIn("192.0.2.129", "192.0.2.128/25"));
  assertFalse(isIn("192.0.2.127", "192.0.2.128/25"));
  assert(isIn("203.0.113.9", "0.0.0.0/0"));
  assert(isIn("192.0.2.7", "192.0.2.7"));
  assertFalse(isIn("192.0.2.8", "192.0.2.7"));
  assert(isIn("2001:db8:ffff::1", "2001:db8::/32"));
  assertFalse(isIn("2001:db9::1", "2001:db8::/32"));
});

Deno.test("isInCidr() treats a mapped IPv4 address as IPv4, in the address and in the range", () => {
  assert(isIn("::ffff:10.1.2.3", "10.0.0.0/8"));
  assert(isIn("10.1.2.3", "::ffff:10.0.0.0/104"));
  assertFalse(isIn("::ffff:10.1.2.3", "::/0"));
});

Deno.test("parseCidr() rejects an invalid range and reports why", () => {
  assertThrows(() => parseCidr("10.0.0.0/33"), SyntaxError, "from 0 to 32");
  assertThrows(() => parseCidr("10.0.0.0/08"), SyntaxError, "prefix");
  assertThrows(() => parseCidr("10.0.0.0/"), SyntaxError, "prefix");
  assertThrows(() => parseCidr("10.0.0.1/8"), SyntaxError, "bits set beyond its prefix");
  assertThrows(() => parseCidr("localhost"), SyntaxError, "not an IP address");
  assertThrows(() => parseCidr("2001:db8::/129"), SyntaxError, "from 0 to 128");
});

Deno.test("AccessList asks deny before allow, and lets everybody in without rules", () => {
  const list = new AccessList({ allow: ["10.0.0.0/8"], deny: ["10.0.0.0/24"] });
  assert(list.isAllowed("10.0.1.1"));
  assertFalse(list.isAllowed("10.0.0.1"));
  assertFalse(list.isAllowed("192.0.2.1"));
  assertEquals(list.enter("192.0.2.1"), { reason: "denied" });
  assert(new AccessList({ allow: [], deny: [] }).isAllowed("192.0.2.1"));
  assert(new AccessList({ allow: [], deny: ["10.0.0.0/8"] }).isAllowed("192.0.2.1"));
});

Deno.test("replace() keeps the old rules when the new ones are wrong", () => {
  const list = new AccessList({ allow: [], deny: ["192.0.2.1"] });
  assertThrows(() => list.replace({ allow: ["nonsense"], deny: [] }), SyntaxError);
  assertFalse(list.isAllowed("192.0.2.1"));
  list.replace({ allow: [], deny: [] });
  assert(list.isAllowed("192.0.2.1"));
});

Deno.test("parseAccessRules() reads lines with comments and names the line that is wrong", () => {
  const text = "# office\nallow 10.0.0.0/8\n\ndeny 10.0.0.7 # the printer\n";
  assertEquals(parseAccessRules(text, "rules"), { allow: ["10.0.0.0/8"], deny: ["10.0.0.7"] });
  assertThrows(() => parseAccessRules("allow 10.0.0.0/8\nblock 1.2.3.4", "rules"), Error, "rules, line 2");
  assertThrows(() => parseAccessRules("deny 10.0.0.300", "rules"), Error, "rules, line 1");
});
