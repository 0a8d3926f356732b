import { assertEquals } from "@std/assert";
import { AccessList } from "../../src/guard/access_list.ts";
import { type Gate, GateChain } from "../../src/guard/gate.ts";
import { gatesOf } from "../../src/guard/gates.ts";
import { PerAddressLimit } from "../../src/guard/per_address_limit.ts";

Deno.test("GateChain asks its gates in order, and does not count a client that a later one rejects", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 1 });
  const closed: Gate = { enter: () => ({ reason: "denied" }) };
  const row = new GateChain([limit, closed]);
  assertEquals(row.enter("192.0.2.1"), { reason: "denied" });
  assertEquals(limit.size, 0);
  assertEquals(new GateChain([closed, limit]).enter("192.0.2.1")?.reason, "denied");
});

Deno.test("GateChain reports departures to every gate", () => {
  const limit = new PerAddressLimit({ maxPerAddress: 1 });
  const row = new GateChain([limit, { enter: () => undefined }]);
  assertEquals(row.enter("192.0.2.1"), undefined);
  row.leave("192.0.2.1");
  assertEquals(limit.size, 0);
});

Deno.test("gatesOf() has the gates that were asked for, and 256 connections of one address by default", () => {
  const reasons = (gate: Gate, count: number, address = "192.0.2.1") =>
    Array.from({ length: count }, () => gate.enter(address)).map((refusal) => refusal?.text ?? refusal?.reason);
  assertEquals(reasons(gatesOf({}), 257).indexOf("too many connections from your address: at most 256"), 256);
  const access = new AccessList({ allow: [], deny: ["192.0.2.1"] });
  assertEquals(reasons(gatesOf({ access }), 1), ["denied"]);
  const [first, second] = reasons(gatesOf({ connectRate: 1 }), 2);
  assertEquals([first, second], [undefined, "too many new connections from your address: at most 1 per second"]);
  const limits = { connectRate: 1, maxPerAddress: 1 };
  assertEquals(reasons(gatesOf(limits), 2, "127.0.0.1"), [undefined, undefined]);
  assertEquals(reasons(gatesOf({ ...limits, limitsLoopback: true }), 2, "127.0.0.1").map(Boolean), [false, true]);
});
