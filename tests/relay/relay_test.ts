import { assert, assertEquals } from "@std/assert";
import { DelayLine } from "../../src/relay/faults/delay_line.ts";
import { countingBytes } from "../support/fault_run.ts";
import { KINDS, RelayBench } from "../support/relay_ends.ts";
import { VirtualClock } from "../support/virtual_clock.ts";

for (const kind of KINDS) {
  Deno.test(`a relay applies backpressure to a target whose client does not read, over ${kind}`, async () => {
    await using bench = await RelayBench.open(kind);
    const { client, server } = await bench.pair();
    const block = countingBytes(64 * 1024);
    let sent = 0;
    const sending = (async () => {
      for (let index = 0; index < 512; index++) {
        await server.send(block);
        sent += block.length;
      }
    })();
    // It stalls once every buffer on the path is full.
    for (let before = -1; before !== sent;) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    const [connection] = bench.relay.stats.open;
    assert(sent < 24 * 1024 * 1024, `${sent} bytes were taken`);
    assert((connection?.queuedBytes ?? 0) <= 1024 * 1024, `${connection?.queuedBytes} bytes are queued`);
    assertEquals((await client.readBytes(512 * block.length)).length, 512 * block.length);
    await sending;
  });
}

for (const kind of KINDS) {
  Deno.test(`a relay closes a stalled connection by a deadline, and at the end of its drain, over ${kind}`, async () => {
    for (const limit of [{ idleTimeout: "200ms" }, { drainTimeout: "200ms" }]) {
      await using bench = await RelayBench.open(kind, { ...limit, faults: ["stall"] });
      const { client, server } = await bench.pair();
      // Held by the fault, in both directions.
      await Promise.all([client.send("hello"), server.send("hello")]);
      const ended = server.readAll().finally(() => server.close());
      if ("drainTimeout" in limit) await bench.relay.shutdown();
      assertEquals(await bench.whenEmpty(), 0);
      assertEquals((await ended).bytes.length, 0);
    }
  });
}

Deno.test("a delay line holds 8 MiB, and accepts more once some have left", async () => {
  const clock = new VirtualClock();
  const removal = new AbortController();
  const line = new DelayLine({ clock, removed: removal.signal });
  const left: number[] = [];
  let isIn = false;
  await line.add(1_000, 8 * 1024 * 1024, () => Promise.resolve(void left.push(1)));
  const waiting = line.add(1_000, 1, () => Promise.resolve(void left.push(2))).then(() => isIn = true);
  await Promise.resolve();
  assertEquals([isIn, left.length], [false, 0]);
  await waiting;
  assertEquals(clock.now(), 1_000);
  // The fault is removed: held data leaves immediately.
  await line.add(60_000, 1, () => Promise.resolve(void left.push(3)));
  removal.abort();
  while (line.isHolding) await Promise.resolve();
  assertEquals([left, clock.now()], [[1, 2, 3], 1_000]);
  // No timer is left.
  await clock.delay(60_000, new AbortController().signal);
});

Deno.test("faults of one type get unique names, parsed from text or not", async () => {
  await using bench = await RelayBench.open("tcp", { faults: ["limit:5", "limit:9"] });
  assertEquals(bench.relay.faults.map(({ name }) => name), ["limit", "limit-2"]);
  bench.relay.setFaults(bench.relay.faults.slice(1));
  assertEquals(bench.relay.faults.map(({ name }) => name), ["limit-2"]);
});

Deno.test("setFaults() changes a fault in use, which keeps its held data and its counts", async () => {
  await using bench = await RelayBench.open("tcp", { faults: ["limit:6,then=stall,direction=to-server"] });
  const { client, server } = await bench.pair();
  await client.send("0123456789");
  assertEquals(new TextDecoder().decode(await server.readBytes(6)), "012345");
  bench.relay.setFaults(["limit:8,then=stall,direction=to-server"]);
  assertEquals(new TextDecoder().decode(await server.readBytes(4)), "6789");
  bench.relay.setFaults([]);
  await client.send("free");
  assertEquals(new TextDecoder().decode(await server.readBytes(4)), "free");
});
