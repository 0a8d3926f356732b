import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/program.ts";

const ignore = Deno.build.os !== "linux";
const CLIENTS = 60;
const WITH_SOURCES = { permissions: ["-N", `-R=${fromFileUrl("../../src/")}`] };

/** What `/connections` says. */
interface Sight {
  open: number;
  accepted: number;
  connections: { id: number }[];
  closedByReason: Record<string, number>;
}

Deno.test({
  name: "--workers serves one port with several threads, with one view and one drain",
  ignore,
  async fn() {
    const words = ["echo", "tcp://127.0.0.1:0", "--workers", "2", "--metrics", "127.0.0.1:0"];
    await using started = await startServer(words, WITH_SOURCES);
    const metrics = await started.server.line();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => dial(started.endpoint)));
    for (const [index, client] of clients.entries()) await writeAll(client, `client ${index}\n`);
    const buffer = new Uint8Array(64);
    for (const [index, client] of clients.entries()) {
      const count = await client.read(buffer) ?? 0;
      assertEquals(new TextDecoder().decode(buffer.subarray(0, count)), `client ${index}\n`);
    }
    const sight: Sight = await (await fetch(new URL("/connections", metrics))).json();
    assertEquals([sight.open, sight.accepted], [CLIENTS, CLIENTS]);
    const ids = new Set(sight.connections.map(({ id }) => id));
    assertEquals(ids.size, CLIENTS);
    // Odd numbers are the first thread's, even ones the second's.
    assert([...ids].some((id) => id % 2 === 0) && [...ids].some((id) => id % 2 === 1), [...ids].join());
    const text = await (await fetch(metrics)).text();
    assertStringIncludes(text, `parley_connections_open{service="echo"} ${CLIENTS}`);
    started.server.kill("SIGTERM");
    // Each thread ends its side; what a client has not read is still there.
    for (const client of clients) assertEquals((await readToEnd(client)).length, 0);
    for (const client of clients) client.close();
    assertEquals((await started.server.outcome()).code, 0);
  },
});

Deno.test({
  name: "--workers waits at its end for the clients of every thread",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      // More than the kernel's buffers hold: the threads must stay until it has been read.
      const size = 32 * 1024 * 1024;
      await Deno.writeFile(`${folder}/large`, new Uint8Array(size));
      const words = ["reply", "tcp://127.0.0.1:0", "--on", "connect", "--file", `${folder}/large`, "--workers", "2"];
      await using started = await startServer([...words, "--metrics", "127.0.0.1:0"], {
        permissions: ["-N", `-R=${fromFileUrl("../../src/")},${folder}`],
      });
      const metrics = await started.server.line();
      const threads: Deno.TcpConn[][] = [[], []];
      // The system chooses the thread; odd numbers are the first thread's.
      while (threads.some(({ length }) => length === 0)) {
        const client = await dial(started.endpoint);
        await client.read(new Uint8Array(1));
        const { open, connections }: Sight = await (await fetch(new URL("/connections", metrics))).json();
        const known = threads.flat().length;
        assertEquals(open, known + 1);
        const isFirst = connections.filter(({ id }) => id % 2 === 1).length > (threads[0]?.length ?? 0);
        threads[isFirst ? 0 : 1]?.push(client);
      }
      started.server.kill("SIGTERM");
      for (const client of threads.flat()) {
        assertEquals((await readToEnd(client)).length, size - 1);
        client.close();
      }
      assertEquals((await started.server.outcome()).code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "--workers reports what it cannot share, exit code 2, and a missing permission, exit code 8",
  ignore,
  async fn() {
    for (
      const [code, found, words] of [
        [2, "does not support --workers", ["chat", "tcp://127.0.0.1:0"]],
        [2, "only ports can be shared", ["echo", "unix:/tmp/parley-workers.sock"]],
        [2, "cannot be combined", ["echo", "tcp://127.0.0.1:0", "--exit-after", "1"]],
        [8, "--allow-read", ["echo", "tcp://127.0.0.1:0"]],
      ] as const
    ) {
      const outcome = await runProgram("server", [...words, "--workers", "2", "--log-level", "off"]);
      assertEquals(outcome.code, code, outcome.stderr);
      assertStringIncludes(outcome.stderr.split("\n")[0] ?? "", found);
    }
  },
});
