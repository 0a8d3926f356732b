/** ABUSE: the process, its signals and its files, cases 36 to 38 and 40. */

import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertStringIncludes } from "@std/assert";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/program.ts";
import { untilSight } from "../support/sight.ts";

/** Sends endless numbers and checks that they are echoed completely from the first one; returns the echoed bytes. */
async function streamUntilEnd(conn: Deno.TcpConn): Promise<{ sent: number; received: number }> {
  const chunk = Uint8Array.from({ length: 10_007 }, (_, index) => index % 251);
  let sent = 0;
  let isEnded = false;
  const sending = (async () => {
    while (!isEnded) {
      await writeAll(conn, chunk);
      sent += chunk.length;
    }
  })().catch(() => {
    // The server has ended: what counts is what came back.
  });
  const buffer = new Uint8Array(65_536);
  let received = 0;
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    for (let index = 0; index < count; index++) {
      if (buffer[index] !== ((received + index) % chunk.length) % 251) {
        throw new Error(`byte ${received + index} is wrong`);
      }
    }
    received += count;
  }
  isEnded = true;
  conn.close();
  await sending;
  return { sent, received };
}

Deno.test("abuse 36: SIGTERM during traffic: every echoed byte arrives, the clients see an end, exit 0 in time", async () => {
  await using started = await startServer(["echo", ":0", "--drain-timeout", "8s", "--metrics", ":0"]);
  const metrics = await started.server.line();
  const conns = await Promise.all(Array.from({ length: 5 }, () => dial(started.endpoint)));
  const streams = Promise.all(conns.map(streamUntilEnd));
  await untilSight(
    metrics,
    ({ connections }) => connections.length === 5 && connections.every(({ bytesRead }) => bytesRead > 100_000),
  );
  const startMs = performance.now();
  started.server.kill("SIGTERM");
  for (const { sent, received } of await streams) {
    assertGreaterOrEqual(received, 100_000);
    assert(received <= sent + 10_007);
  }
  assertEquals((await started.server.outcome()).code, 0);
  assertLess(performance.now() - startMs, 8_000);
});

Deno.test("abuse 36: SIGTERM with a client that reads nothing: forced at the drain timeout, still exit 0", async () => {
  await using started = await startServer(["echo", ":0", "--drain-timeout", "1s"]);
  using stalled = await dial(started.endpoint);
  const flood = writeAll(stalled, new Uint8Array(64 * 1024 * 1024)).catch(() => {});
  using quick = await dial(started.endpoint);
  await writeAll(quick, "x");
  await quick.read(new Uint8Array(1));
  const startMs = performance.now();
  started.server.kill("SIGTERM");
  assertEquals((await readToEnd(quick)).length, 0);
  quick.close();
  assertEquals((await started.server.outcome()).code, 0);
  const tookMs = performance.now() - startMs;
  assertGreaterOrEqual(tookMs, 990);
  assertLess(tookMs, 6_000);
  await flood;
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`abuse 36: a second ${signal} leaves at once with ${code}`, async () => {
    await using started = await startServer(["echo", ":0", "--drain-timeout", "60s"]);
    using stalled = await dial(started.endpoint);
    const flood = writeAll(stalled, new Uint8Array(64 * 1024 * 1024)).catch(() => {});
    const byte = new Uint8Array(1);
    await stalled.read(byte);
    started.server.kill(signal);
    await started.server.errorLine(/draining/);
    started.server.kill(signal);
    assertEquals((await started.server.outcome()).code, code);
    await flood;
  });
}

Deno.test("abuse 37: killed with connections open, then started again on the same port: it binds at once", async () => {
  const first = await startServer(["echo", ":0"]);
  const conns = await Promise.all(Array.from({ length: 10 }, () => dial(first.endpoint)));
  for (const conn of conns) {
    await writeAll(conn, "x");
    await conn.read(new Uint8Array(1));
  }
  await first[Symbol.asyncDispose]();
  for (const conn of conns) conn.close();
  await using second = await startServer(["echo", first.endpoint]);
  assertEquals(second.endpoint, first.endpoint);
  using conn = await dial(second.endpoint);
  await writeAll(conn, "x");
  assertEquals(await conn.read(new Uint8Array(1)), 1);
});

Deno.test("abuse 37: ended in order with connections in TIME_WAIT, then started again: it binds at once", async () => {
  const first = await startServer(["daytime", ":0"]);
  for (let count = 0; count < 20; count++) {
    using conn = await dial(first.endpoint);
    // The server closes first, so TIME_WAIT is on its side.
    await readToEnd(conn);
  }
  first.server.kill("SIGTERM");
  assertEquals((await first.server.outcome()).code, 0);
  await using second = await startServer(["daytime", first.endpoint]);
  using conn = await dial(second.endpoint);
  assert((await readToEnd(conn)).length > 0);
});

Deno.test("abuse 38: a stale socket file is replaced, a live one refused, a regular file refused and untouched", async () => {
  const folder = await Deno.makeTempDir();
  const permissions = ["-N", `--allow-read=${folder}`, `--allow-write=${folder}`];
  const endpoint = `unix:${folder}/s.sock`;
  try {
    const killed = await startServer(["echo", endpoint], { permissions });
    await killed[Symbol.asyncDispose]();
    assert((await Deno.lstat(`${folder}/s.sock`)).isSocket, "the killed server left no file");

    await using live = await startServer(["echo", endpoint], { permissions });
    const refused = await runProgram("server", ["echo", endpoint], { permissions });
    assertEquals(refused.code, 8);
    assertStringIncludes(refused.stderr, "address already in use by another process");
    using conn = await Deno.connect({ transport: "unix", path: `${folder}/s.sock` });
    await writeAll(conn, "x");
    assertEquals(await conn.read(new Uint8Array(1)), 1);
    conn.close();
    live.server.kill("SIGTERM");
    assertEquals((await live.server.outcome()).code, 0);

    await Deno.writeTextFile(`${folder}/file`, "mine");
    const file = await runProgram("server", ["echo", `unix:${folder}/file`], { permissions });
    assertEquals(file.code, 8);
    assertStringIncludes(file.stderr, "is not a socket");
    assertEquals(await Deno.readTextFile(`${folder}/file`), "mine");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("abuse 40: a missing permission is one line that names the flag, exit 8", async () => {
  const cases: { args: string[]; permissions: string[]; flag: string }[] = [
    { args: ["echo", ":0"], permissions: [], flag: "--allow-net" },
    { args: ["echo", "unix:/tmp/parley-never.sock"], permissions: ["-N"], flag: "--allow-read" },
    { args: ["echo", ":0", "--ready-file", "/tmp/parley-never"], permissions: ["-N"], flag: "--allow-write" },
    { args: ["echo", ":0", "--auth", "/tmp/names"], permissions: ["-N"], flag: "--allow-read" },
    { args: ["echo", ":0", "--access-file", "/tmp/list"], permissions: ["-N"], flag: "--allow-read" },
    { args: ["echo", ":0", "--metrics", ":0"], permissions: ["--allow-net=127.0.0.1:1"], flag: "--allow-net" },
  ];
  for (const { args, permissions, flag } of cases) {
    const { code, stderr } = await runProgram("server", [...args, "--log-level", "error"], { permissions });
    assertEquals(code, 8, `${args.join(" ")}: ${stderr}`);
    assertStringIncludes(stderr, flag);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertEquals(stderr.includes("    at "), false, stderr);
  }
});
