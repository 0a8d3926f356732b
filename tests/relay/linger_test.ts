import { assertEquals } from "@std/assert";
import { nextTurn } from "../../src/net/wait.ts";
import { FakeTime } from "../support/fake_time.ts";
import { RelayBench } from "../support/relay_ends.ts";

Deno.test("a relay that closes a connection gives its peers 2 s to read and end (LINGER_MS)", async () => {
  using time = new FakeTime();
  await using bench = await RelayBench.open("tcp", { faults: ["limit:3,direction=to-server"] });
  const { client, server } = await bench.pair();
  const { open } = bench.relay.stats;
  await client.send("hello");
  // Both ends see an end, and keep their own sides open.
  for (const end of [client, server]) while (await end.read() !== null);
  await time.advance(1_990);
  assertEquals(open.size, 1);
  await time.advance(20);
  for (let turns = 0; open.size > 0 && turns < 1_000; turns++) await nextTurn();
  assertEquals(open.size, 0);
});
