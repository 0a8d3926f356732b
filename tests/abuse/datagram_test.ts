import { assert, assertEquals, assertMatch } from "@std/assert";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { startUdpServer } from "../support/program.ts";

const MEMORY_BOUND_BYTES = 100 * 1024 * 1024;
/** What garbage waits for its collection: 16 million echoes on an idle machine stay within 24 MiB of each other. */
const FLAT_WITHIN_BYTES = 48 * 1024 * 1024;

async function residentBytes(metrics: string): Promise<number> {
  const text = await (await fetch(metrics)).text();
  return Number(/^parley_resident_memory_bytes\{.*\} (\S+)$/m.exec(text)?.[1]);
}

Deno.test("44: a flood of datagrams from one address costs no memory, is counted, and ends with the program", async () => {
  await using started = await startUdpServer([
    ...["echo", "udp://127.0.0.1:0", "--metrics", "127.0.0.1:0", "--delay", "1s", "--log-level", "info"],
    ...["--rate-per-ip", "1000", "--limit-loopback"],
  ]);
  const metrics = await started.server.line();
  const before = await residentBytes(metrics);
  using peer = new DatagramPeer(started.endpoint);
  const data = new Uint8Array(1_024);
  for (let count = 0; count < 200_000; count++) await peer.send(data);
  const grown = await residentBytes(metrics) - before;
  assert(grown < MEMORY_BOUND_BYTES, `grown by ${grown} bytes`);
  started.server.kill("SIGTERM");
  const toldMs = performance.now();
  const { code, stderr } = await started.server.outcome();
  assertEquals(code, 0);
  assert(performance.now() - toldMs < 5_000);
  assertMatch(stderr, /dropped_rate=\d{4,}/);
});

Deno.test("44: memory is flat over 300,000 echoes", async () => {
  await using started = await startUdpServer(["echo", "udp://127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
  const metrics = await started.server.line();
  const samples: number[] = [];
  for (let round = 0; round <= 6; round++) {
    await Promise.all(Array.from({ length: 10 }, () => exchange(started.endpoint, 5_000)));
    // The first round is not looked at: the code is compiled, and the heap finds its size.
    if (round > 0) samples.push(await residentBytes(metrics));
  }
  const spread = Math.max(...samples) - Math.min(...samples);
  assert(spread < FLAT_WITHIN_BYTES, `memory went from ${samples.join(" to ")}`);
  const text = await (await fetch(metrics)).text();
  const counted = Number(/^parley_datagrams_received_total\{.*\} (\d+)$/m.exec(text)?.[1]);
  assert(counted >= 350_000, `${counted} counted`);
  assert(!text.includes("parley_datagrams_dropped_total{"), "nothing was to be dropped");
});

/** Round trips of one client, one at a time. */
async function exchange(endpoint: string, count: number): Promise<void> {
  using peer = new DatagramPeer(endpoint);
  const data = new Uint8Array(64);
  for (let done = 0; done < count; done++) {
    await peer.send(data);
    await peer.bytes();
  }
}

Deno.test("44: a Unix client that never reads costs no memory and does not keep the server from ending", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const permissions = ["-N", `--allow-read=${folder}`, `--allow-write=${folder}`];
    await using started = await startUdpServer(["echo", `unixgram:${folder}/s`], { permissions });
    const client = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/c` });
    try {
      for (let count = 0; count < 500; count++) {
        await client.send(new Uint8Array(100), { transport: "unixpacket", path: `${folder}/s` });
      }
      started.server.kill("SIGTERM");
      const { code, stderr } = await started.server.outcome();
      assertEquals(code, 0);
      assertMatch(stderr, /dropped_backlog=\d{3}/);
    } finally {
      client.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
