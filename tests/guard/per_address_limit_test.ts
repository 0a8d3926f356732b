import { assertEquals } from "@std/assert";
import { PerAddressLimit } from "../../src/guard/per_address_limit.ts";

Deno.test("PerAddressLimit rejects one more than the limit and admits another after one has left", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 2 });
  const enter = () => limit.enter("192.0.2.1")?.reason;
  assertEquals([enter(), enter(), enter()], [undefined, undefined, "limit"]);
  assertEquals(limit.enter("192.0.2.2"), undefined);
  limit.leave("192.0.2.1");
  assertEquals(enter(), undefined);
});

Deno.test("PerAddressLimit counts a mapped IPv4 address as that address, and an IPv6 /64 as one", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 1 });
  limit.enter("192.0.2.1");
  assertEquals(limit.enter("::ffff:192.0.2.1")?.reason, "limit");
  limit.enter("2001:db8::1");
  assertEquals(limit.enter("2001:db8::ffff:2")?.reason, "limit");
  assertEquals(limit.enter("2001:db8:0:1::1"), undefined);
});

Deno.test("PerAddressLimit leaves this machine's clients alone unless asked", () => {
  const lenient = new PerAddressLimit({ maxPerAddress: 1 });
  assertEquals(["127.0.0.1", "127.0.0.1", "::1", "::1"].map((ip) => lenient.enter(ip)?.reason), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  const strict = new PerAddressLimit({ maxPerAddress: 1, limitsLoopback: true });
  assertEquals(["127.0.0.1", "127.0.0.1"].map((ip) => strict.enter(ip)?.reason), [undefined, "limit"]);
});

Deno.test("PerAddressLimit does not remember addresses without connections", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 2 });
  for (let last = 0; last < 200; last++) limit.enter(`192.0.2.${last}`);
  assertEquals(limit.size, 200);
  for (let last = 0; last < 200; last++) limit.leave(`192.0.2.${last}`);
  assertEquals(limit.size, 0);
});
