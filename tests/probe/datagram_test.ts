import { assertEquals, assertInstanceOf } from "@std/assert";
import { RefusedError } from "../../src/base/errors.ts";
import { check } from "../../src/probe/check.ts";
import { DatagramExchange } from "../../src/datagram/exchange.ts";
import { bindSender } from "../../src/datagram/sender.ts";
import { bind } from "@parley/parley";
import type { HostEndpoint } from "../../src/net/endpoint.ts";
import { closedPort } from "../support/ports.ts";

const SIGNAL = new AbortController().signal;

function closedEndpoint(): HostEndpoint {
  return { scheme: "udp", host: "127.0.0.1", port: closedPort(), path: "/" };
}

/** How often `port` is bound while `run` runs. */
async function bindsOf(port: number, run: () => Promise<unknown>): Promise<number> {
  const listenDatagram = Deno.listenDatagram;
  let count = 0;
  Reflect.set(Deno, "listenDatagram", (options: Deno.UdpListenOptions & { transport: "udp" }) => {
    if (options.port === port) count++;
    return listenDatagram(options);
  });
  try {
    await run();
    return count;
  } finally {
    Reflect.set(Deno, "listenDatagram", listenDatagram);
  }
}

Deno.test("check --wait binds a UDP port that it waits for only at the end (fault 41)", async () => {
  const target = closedEndpoint();
  const count = await bindsOf(target.port, async () => {
    const result = await check(target, { timeout: "10s", wait: "900ms" });
    assertEquals(result.state, "failed");
    assertInstanceOf(result.error, RefusedError);
  });
  assertEquals(count, 1);
});

Deno.test("check --wait finds a UDP server that starts meanwhile (fault 41)", async () => {
  const target = closedEndpoint();
  const checked = check(target, { timeout: "10s", wait: "10s" });
  await using server = await bind(target);
  const serving = server.answerEach(({ data }) => data, () => {}, () => false);
  assertEquals((await checked).state, "ready");
  server.close();
  await serving;
});

Deno.test("DatagramExchange binds the target's port once for all tries and datagrams (fault 41)", async () => {
  const target = closedEndpoint();
  const count = await bindsOf(target.port, async () => {
    const exchange = new DatagramExchange({
      target,
      open: () => bindSender(target, undefined, {}),
      payload: () => Uint8Array.of(1),
      ...{ count: 5, intervalMs: 1, timeoutMs: 100, retries: 2, correlation: "port" },
      ...{ hasManyReceivers: false, isOneWay: false, signal: SIGNAL },
    });
    await exchange.run();
    assertEquals([exchange.summary.refused, exchange.summary.lost.length], [5, 5]);
  });
  assertEquals(count, 1);
});
