import { assertEquals } from "@std/assert";
import { AccessList } from "../../src/guard/access_list.ts";
import { DatagramGate } from "../../src/guard/datagram_gate.ts";

Deno.test("DatagramGate rejects denied senders, and those that exceed the rate", () => {
  let nowMs = 0;
  const gate = new DatagramGate({
    access: new AccessList({ allow: [], deny: ["10.0.0.0/8"] }),
    perSecond: 2,
    now: () => nowMs,
  });
  assertEquals(gate.refusalOf("10.1.2.3"), "denied");
  const address = "192.0.2.1";
  assertEquals([1, 2, 3].map(() => gate.refusalOf(address)), [undefined, undefined, "rate"]);
  assertEquals(gate.refusalOf("192.0.2.2"), undefined);
  nowMs = 500;
  assertEquals(gate.refusalOf(address), undefined);
});

Deno.test("DatagramGate spares loopback from the rate unless asked", () => {
  const spared = new DatagramGate({ perSecond: 1, now: () => 0 });
  assertEquals([1, 2].map(() => spared.refusalOf("127.0.0.1")), [undefined, undefined]);
  const limited = new DatagramGate({ perSecond: 1, limitsLoopback: true, now: () => 0 });
  assertEquals([1, 2].map(() => limited.refusalOf("127.0.0.1")), [undefined, "rate"]);
});
