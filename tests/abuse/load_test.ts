/** ABUSE: overload, cases 17 to 21; those of the chat are in `chat_test.ts`. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { dial, LinePeer, readToEnd, writeAll } from "../support/peer.ts";
import { withinTime } from "../support/give_back.ts";
import { fromFileUrl } from "../support/paths.ts";
import { cpuSeconds, withAbuse } from "./support.ts";

const MIB = 1024 * 1024;

Deno.test("abuse 17: a client that stops reading is dropped by the write deadline, and only that one", () =>
  withAbuse({
    args: ["echo", "--write-timeout", "1s"],
    async abuse({ endpoint, until }) {
      using stalled = await dial(endpoint);
      // More than the kernel's buffers of both sides hold: the echo must get stuck.
      const flood = writeAll(stalled, new Uint8Array(64 * MIB));
      await flood.then(() => assert(false, "the server took everything"), () => {});
      const { closedByReason } = await until(({ open }) => open === 1);
      assertEquals(closedByReason, { "write timeout": 1 });
    },
  }));

Deno.test("abuse 18: a client that reads slowly but steadily is not dropped and gets every byte", () =>
  withAbuse({
    args: ["echo", "--write-timeout", "1s"],
    async abuse({ endpoint }) {
      using slow = await dial(endpoint);
      const sent = crypto.getRandomValues(new Uint8Array(65_536));
      const rounds = 256;
      const sending = (async () => {
        for (let round = 0; round < rounds; round++) await writeAll(slow, sent);
        await slow.closeWrite();
      })();
      const buffer = new Uint8Array(16 * 1024);
      let at = 0;
      for (let reads = 0;; reads++) {
        const count = await slow.read(buffer);
        if (count === null) break;
        for (let index = 0; index < count; index += 997) assertEquals(buffer[index], sent[(at + index) % sent.length]);
        at += count;
        // More than two seconds in all: longer than the write deadline, and never silent for as long.
        if (reads % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await sending;
      assertEquals(at, sent.length * rounds);
    },
  }));

Deno.test("abuse 19: connections beyond the maximum wait and are served as others leave", () =>
  withAbuse({
    args: ["echo", "--framing", "line", "--max-connections", "50"],
    async abuse({ endpoint, until }) {
      const conns = await Promise.all(Array.from({ length: 120 }, () => dial(endpoint)));
      const served = conns.map(async (conn, index) => {
        const peer = new LinePeer(conn);
        await peer.send(`client ${index}`);
        assertEquals(await peer.line(), `client ${index}`);
        conn.close();
      });
      await Promise.all(served);
      const { accepted, closedByReason } = await until(({ open }) => open === 1);
      assertEquals([accepted, closedByReason], [121, { done: 120 }]);
    },
  }));

Deno.test("abuse 20: ulimit -n 64, then 120 connects: alive, idle while full, everybody served as others leave", async () => {
  const program = fromFileUrl("../../src/server.ts");
  const words =
    `ulimit -n 64; exec "$0" run --no-prompt --unstable-net -N "$1" echo :0 --framing line --print-endpoint`;
  const child = new Deno.Command("sh", {
    args: ["-c", words, Deno.execPath(), program],
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const endpoint = ((await lines.read()).value ?? "").trim();
    const peers = await Promise.all(Array.from({ length: 120 }, async () => new LinePeer(await dial(endpoint))));
    await Promise.all(peers.map((peer, index) => peer.send(`client ${index}`)));
    const waiting = new Map(peers.map((peer, index) => [index, { peer, line: peer.line() }]));
    const nextServed = () =>
      Promise.race([...waiting].map(([index, { line }]) => line.then((text) => ({ index, text }))));

    // The first to be served stay for a while: the server is full.
    const first = await nextServed();
    assertEquals(first.text, `client ${first.index}`);
    const before = cpuSeconds(child.pid);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const share = (cpuSeconds(child.pid) - before) / 3;
    assertLess(share, 0.05, `the full server uses ${(share * 100).toFixed(1)}% of a processor`);

    // Each leaves once it is served; in the end everybody was.
    while (waiting.size > 0) {
      const { index, text } = await nextServed();
      assertEquals(text, `client ${index}`);
      peers[index]?.conn.close();
      waiting.delete(index);
    }
    using late = await dial(endpoint);
    await writeAll(late, "late\n");
    assertEquals(await new LinePeer(late).line(), "late");
  } finally {
    child.kill("SIGTERM");
    await lines.cancel();
    assertEquals((await child.status).code, 0);
  }
});

Deno.test("abuse 20: a relay of node:net accepts again after a burst has used up all descriptors (fault 80)", async () => {
  const program = fromFileUrl("../../src/server.ts");
  using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echoing = echo(target);
  const words = `ulimit -n 100; exec "$0" run --no-prompt --unstable-net -N "$1" relay :0 "$2" --print-endpoint`;
  const child = new Deno.Command("sh", {
    args: ["-c", words, Deno.execPath(), program, `127.0.0.1:${target.addr.port}`],
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const endpoint = ((await lines.read()).value ?? "").trim();
    for (let burst = 0; burst < 2; burst++) {
      const dials = await Promise.allSettled(Array.from({ length: 300 }, () => dial(endpoint)));
      const conns = dials.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
      // Without descriptors for the target, clients are reset.
      await Promise.race(conns.map((conn) => conn.read(new Uint8Array(1)).catch(() => null)));
      for (const conn of conns) conn.close();
      await withinTime(served(endpoint), "a client after the burst", 30_000);
    }
  } finally {
    child.kill("SIGTERM");
    await lines.cancel();
    assertEquals((await child.status).code, 0);
    target.close();
    await echoing;
  }
});

/** Echoes until the listener is closed. */
async function echo(listener: Deno.TcpListener): Promise<void> {
  for (let conn = await accept(listener); conn !== undefined; conn = await accept(listener)) {
    conn.readable.pipeTo(conn.writable).catch(() => {});
  }
}

function accept(listener: Deno.TcpListener): Promise<Deno.TcpConn | undefined> {
  return listener.accept().catch(() => undefined);
}

/** Connects until a client is served: those that the kernel had queued are reset. */
async function served(endpoint: string): Promise<void> {
  for (;;) {
    try {
      using conn = await dial(endpoint);
      await writeAll(conn, "late\n");
      if (await new LinePeer(conn).line() === "late") return;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }
}

Deno.test("abuse 21: 1,000 clients that connect and reset: nothing is left of them", () =>
  withAbuse({
    args: ["echo", "--framing", "line"],
    async abuse({ endpoint, until }) {
      const { hostname, port } = new URL(endpoint.replace("tcp:", "http:"));
      for (let round = 0; round < 10; round++) {
        await Promise.all(Array.from({ length: 100 }, async () => {
          const conn = await Deno.connect({ hostname, port: Number(port) });
          // Closed with the echo unread, the kernel answers with a reset.
          await writeAll(conn, "gone\n".repeat(10));
          conn.close();
        }));
      }
      const { accepted } = await until(({ open, accepted }) => open === 1 && accepted === 1_001);
      assertEquals(accepted, 1_001);
    },
  }));

Deno.test("abuse 21: a half-closed client still gets all of its echo", () =>
  withAbuse({
    args: ["echo"],
    async abuse({ endpoint }) {
      await Promise.all(Array.from({ length: 50 }, async (_, index) => {
        using conn = await dial(endpoint);
        const sent = new Uint8Array(256 * 1024).fill(index);
        const writing = writeAll(conn, sent).then(() => conn.closeWrite());
        assertEquals(await readToEnd(conn), sent);
        await writing;
      }));
    },
  }));

Deno.test("abuse 21: a client that sends millions of empty lines does not have the server to itself", () =>
  withAbuse({
    args: ["echo", "--framing", "line"],
    async abuse({ endpoint, metrics }) {
      const delayMs = async () => {
        const text = await (await fetch(metrics)).text();
        return Number(/^parley_event_loop_delay_seconds\S* (\S+)$/m.exec(text)?.[1]) * 1_000;
      };
      await delayMs();
      const greedy = await dial(endpoint);
      // Nothing is read of the echo, so the server takes what the buffers between the two hold and then waits.
      const flood = writeAll(greedy, new Uint8Array(16 * MIB).fill(0x0a)).catch(() => {});
      const most = [];
      for (let second = 0; second < 4; second++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        most.push(await delayMs());
      }
      // Without a turn for the others in between it is more than 1,500 ms on a machine that does nothing else.
      assertLess(Math.max(...most), 1_000);
      greedy.close();
      await flood;
    },
  }));
