import { assertEquals } from "@std/assert";
import { type Gate, GateChain } from "../../src/guard/gate.ts";
import { PerAddressLimit } from "../../src/guard/per_address_limit.ts";

Deno.test("GateChain asks one gate after the other, and counts nobody in whom a later one refuses", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 1 });
  const closed: Gate = { enter: () => ({ reason: "denied" }) };
  const row = new GateChain([limit, closed]);
  assertEquals(row.enter("192.0.2.1"), { reason: "denied" });
  assertEquals(limit.size, 0);
  assertEquals(new GateChain([closed, limit]).enter("192.0.2.1")?.reason, "denied");
});

Deno.test("GateChain tells every gate who has left", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 1 });
  const row = new GateChain([limit, { enter: () => undefined }]);
  assertEquals(row.enter("192.0.2.1"), undefined);
  row.leave("192.0.2.1");
  assertEquals(limit.size, 0);
});
