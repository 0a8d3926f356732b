import { assertEquals } from "@std/assert";
import { QUERY_BYTES, writeProbe } from "../../../src/datagram/bench/probe.ts";
import { sink } from "../../../src/datagram/services/sink.ts";
import { Logger } from "../../../src/log/logger.ts";
import type { Endpoint } from "../../../src/net/endpoint.ts";
import { fakeDatagramSocket } from "../../support/fake_datagrams.ts";

async function start() {
  const printed: Record<string, unknown>[] = [];
  const warnings: unknown[] = [];
  const warning = (...line: unknown[]) => void warnings.push(line);
  const log: Logger = Object.assign(Object.create(Logger.prototype), { warning });
  const service = await sink.create({}, { log, print: (line) => printed.push(JSON.parse(line)) });
  const { socket } = fakeDatagramSocket();
  const give = (data: Uint8Array, port = 1, isNamed = true) => {
    const from: Endpoint | null = isNamed ? { scheme: "udp", host: "192.0.2.1", port, path: "/" } : null;
    const reply = service.onDatagram({ data, from, isTruncated: false }, socket);
    return reply && JSON.parse(new TextDecoder().decode(reply));
  };
  return {
    printed,
    warnings,
    end: () => service[Symbol.dispose]?.(),
    give,
    probe: (stream: number, seq: number, port?: number, isNamed?: boolean) =>
      give(bytesOf("probe", stream, seq), port, isNamed),
    query: (stream: number, sent: number, port?: number) => give(bytesOf("query", stream, sent, QUERY_BYTES), port),
  };
}

function bytesOf(kind: "probe" | "query", stream: number, seq: number, size = 40): Uint8Array {
  const bytes = new Uint8Array(size);
  writeProbe(bytes, { kind, stream, seq, sentMs: 0 });
  return bytes;
}

Deno.test("sink answers a query with the statistics of the stream, and prints them once", async () => {
  const { probe, query, printed, end } = await start();
  for (const seq of [0, 1, 1, 4]) assertEquals(probe(7, seq), undefined);
  const { jitterMs, ...report } = query(7, 6);
  const counts = { received: 4, unique: 3, duplicated: 1, reordered: 0, corrupted: 0 };
  assertEquals(report, { stream: 7, from: "udp://192.0.2.1:1", sent: 6, lost: 3, bytes: 160, ...counts });
  assertEquals(typeof jitterMs, "number");
  // The answer may be lost: it is asked for again.
  assertEquals(query(7, 6).lost, 3);
  end();
  assertEquals(printed.length, 1);
});

Deno.test("sink distinguishes streams by number and sender, and reports unrequested ones at the end", async () => {
  const { probe, printed, end } = await start();
  probe(7, 0, 1);
  probe(7, 4, 2);
  probe(8, 1, 2);
  probe(9, 0, 3, false);
  assertEquals(printed, []);
  end();
  // After the highest number nothing is known to be lost.
  const rows = printed.map(({ from, sent, lost }) => [from, sent, lost]);
  assertEquals(rows, [["udp://192.0.2.1:1", 1, 0], ["udp://192.0.2.1:2", 5, 4], ["udp://192.0.2.1:2", 2, 1], [
    "unnamed",
    1,
    0,
  ]]);
});

Deno.test("sink counts a corrupted datagram for the latest stream of its sender, and starts none for it", async () => {
  const { give, probe, printed, warnings, end } = await start();
  const corrupted = bytesOf("probe", 8, 1);
  corrupted[30] = 1;
  give(corrupted, 1);
  probe(7, 0, 1);
  probe(8, 0, 1);
  probe(9, 0, 2);
  give(corrupted, 1);
  assertEquals(give(new Uint8Array(40), 1), undefined);
  end();
  assertEquals(printed.map(({ corrupted }) => corrupted), [0, 1, 0]);
  assertEquals(warnings, [["datagrams that are not probes", { count: 2 }]]);
});

Deno.test("sink ends without a warning if it received probes only", async () => {
  const { probe, printed, warnings, end } = await start();
  probe(7, 0);
  end();
  assertEquals([printed.length, warnings], [1, []]);
});

Deno.test("sink remembers 256 streams (MAX_STREAMS), and reports the oldest for one more", async () => {
  const { probe, printed } = await start();
  for (let stream = 0; stream < 256; stream++) probe(stream, 0);
  assertEquals(printed.length, 0);
  probe(256, 0);
  assertEquals(printed.length, 1);
  // The oldest was forgotten: this is a stream of its own.
  probe(0, 5);
  assertEquals(printed.length, 2);
});
