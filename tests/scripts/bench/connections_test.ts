import { assertEquals } from "@std/assert";
import {
  connectionsTable,
  type ManyConnections,
  missedBound,
  processesFor,
  sharesOf,
} from "../../../scripts/bench/connections.ts";

function measured(connections: number, kib: number): ManyConnections {
  const stages = [{ connections, openSeconds: 4, kib, echoUs: 60 }];
  return { stages, servers: 6, allEchoedSeconds: 4, kibAtEnd: 800_000 };
}

Deno.test("processesFor() leaves room for other descriptors, and uses one process if it is enough", () => {
  assertEquals(processesFor(100_000, 20_000), 6);
  assertEquals(processesFor(100_000, 1_048_576), 1);
  assertEquals(processesFor(100_000, Infinity), 1);
});

Deno.test("sharesOf() distributes everything, in parts that differ by at most one", () => {
  assertEquals(sharesOf(10, 6), [1, 1, 2, 2, 2, 2]);
  assertEquals(sharesOf(100_000, 6).reduce((sum, share) => sum + share), 100_000);
});

Deno.test("missedBound() reports the memory per connection when it is above 8 KiB", () => {
  assertEquals(missedBound(measured(100_000, 800_000)), undefined);
  assertEquals(missedBound(measured(100_000, 801_000)), "8202 B for each connection, at most 8192");
  assertEquals(missedBound(measured(100, 8_000)), undefined);
});

Deno.test("connectionsTable() lists each stage, and the memory per connection at the end", () => {
  const lines = connectionsTable(measured(100_000, 586_000)).split("\n");
  assertEquals(lines[1]?.trim().split(/ {2,}/), ["100,000", "4.00 s", "572.3 MiB", "6001 B", "60 us"]);
  assertEquals(lines[3], "server processes: 6; an echo on every connection: 4.00 s, then 8192 B for each");
});
