import { assertEquals } from "@std/assert";
import { DatagramRelay, type DatagramRelayOptions } from "../../src/datagram/relay.ts";
import { bindSender } from "../../src/datagram/sender.ts";
import { bind } from "../../src/factory.ts";
import { Logger } from "../../src/log/logger.ts";
import type { DatagramSocket } from "../../src/net/datagram.ts";

const ANY = "udp://127.0.0.1:0";
const WITHIN = { timeoutMs: 5_000 };

/** A relay in this process, in front of `target`. */
async function startRelay(target: DatagramSocket, options: Partial<DatagramRelayOptions> = {}) {
  const front = await bind(ANY);
  const relay = new DatagramRelay({
    front,
    target: target.endpoint,
    log: Logger.of("test"),
    open: () => bindSender(target.endpoint, undefined, {}),
    ...options,
  });
  const stop = new AbortController();
  const running = relay.run(stop.signal);
  return {
    relay,
    endpoint: front.endpoint,
    running,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("DatagramRelay passes a new client's burst on in order (fault 4)", async () => {
  for (let round = 0; round < 5; round++) {
    await using target = await bind(ANY);
    await using started = await startRelay(target);
    await using client = await bind(ANY);
    for (const byte of [0, 1, 2, 3, 4, 5]) await client.send(Uint8Array.of(byte), started.endpoint);
    const seen: number[] = [];
    while (seen.length < 6) seen.push((await target.receive(WITHIN))?.data[0] ?? -1);
    assertEquals(seen, [0, 1, 2, 3, 4, 5]);
  }
});
