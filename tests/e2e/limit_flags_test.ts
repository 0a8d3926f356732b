import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatEndpoint } from "@parley/parley";
import { startService } from "@parley/parley/testing";
import { fullListener } from "../support/full_listener.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";

Deno.test("--byte-rate reads on at its rate after a burst of one second", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--byte-rate", "1KiB"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  const startMs = performance.now();
  for (let line = 0; line < 3; line++) await writeAll(conn, `${"x".repeat(511)}\n`);
  for (let line = 0; line < 3; line++) assertEquals((await peer.line())?.length, 511);
  // 1,536 bytes: a burst of 1,024, and half a second for the others.
  const tookMs = performance.now() - startMs;
  assert(tookMs >= 450 && tookMs < 5_000, `${tookMs} ms`);
});

Deno.test("--max-outbox closes a chat client that has more queued, and not one that has less", async () => {
  const closed: unknown[] = [];
  for (const outbox of ["64KiB", "64MiB"]) {
    await using started = await startServer(["chat", ":0", "--max-outbox", outbox, "--metrics", ":0"]);
    const metrics = await started.server.line();
    using silent = await dial(started.endpoint);
    assertStringIncludes(await new LinePeer(silent).line() ?? "", "*");
    using talking = await dial(started.endpoint);
    // More than the buffers of the kernel hold.
    for (let count = 0; count < 4_000; count++) await writeAll(talking, `${"x".repeat(4_000)}\n`);
    await writeAll(talking, "/quit\n");
    await readTextToEnd(talking);
    const sight = await (await fetch(new URL("/connections", metrics))).json();
    closed.push(sight.closedByReason["slow consumer"] ?? 0);
  }
  assertEquals(closed, [1, 0]);
});

Deno.test("--max-history-memory forgets the oldest messages beyond it", async () => {
  await using server = await startService("chat", ["--max-history-memory", "4KiB", "--history-count", "100"]);
  using speaking = await dial(formatEndpoint(server.endpoint));
  for (let count = 0; count < 5; count++) await writeAll(speaking, `${count} ${"x".repeat(500)}\n`);
  await writeAll(speaking, "/quit\n");
  await readTextToEnd(speaking);
  using late = await dial(formatEndpoint(server.endpoint));
  await writeAll(late, "/quit\n");
  const shown = await readTextToEnd(late);
  assertEquals([shown.includes("4 xxx"), shown.includes("0 xxx")], [true, false], shown.slice(0, 300));
});

for (
  const [flag, words] of [["--max-history-size", []], ["--max-history-memory", [
    "--history",
    "/nowhere/chat.db",
  ]]] as const
) {
  Deno.test(`${flag} is rejected if it would have no effect, with exit code 2`, async () => {
    const { code, stderr } = await runProgram("server", ["chat", ":0", flag, "1MiB", ...words]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `Cannot use ${flag} with`);
  });
}

Deno.test("--target-timeout of proxy gives up on a target that does not respond, and not earlier", async () => {
  using full = await fullListener();
  await using server = await startService("proxy", ["--target-timeout", "300ms"]);
  using conn = await dial(formatEndpoint(server.endpoint));
  const startMs = performance.now();
  await writeAll(conn, `CONNECT 127.0.0.1:${full.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const answer = await readTextToEnd(conn);
  const tookMs = performance.now() - startMs;
  assertStringIncludes(answer, "HTTP/1.1 504");
  assert(tookMs >= 290 && tookMs < 5_000, `${tookMs} ms`);
});
