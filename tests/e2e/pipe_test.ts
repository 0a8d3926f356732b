import { createConnection } from "node:net";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { type RunningProgram, runProgram, startProgram } from "../support/program.ts";
import { Terminal } from "../support/terminal.ts";
import { runTool, toolTest } from "../support/tools.ts";

const LISTENING = /listening on (\S+)/;

/** Starts `parley-server pipe` on a free port and waits until it listens. */
async function startPipe(
  flags: readonly string[] = [],
  endpoint = "tcp://127.0.0.1:0",
): Promise<{ server: RunningProgram; endpoint: string } & AsyncDisposable> {
  const server = startProgram("server", ["pipe", endpoint, ...flags]);
  const [, bound = ""] = LISTENING.exec(await server.errorLine(LISTENING)) ?? [];
  return { server, endpoint: bound, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

Deno.test("pipe joins one client to standard input and output, and ends with it", async () => {
  await using started = await startPipe();
  using conn = await dial(started.endpoint);
  await started.server.type("from us\n");
  assertEquals(await new LinePeer(conn).line(), "from us");
  await writeAll(conn, "from them\n");
  assertEquals(await started.server.line(), "from them");
  await conn.closeWrite();
  const { code, stdout } = await started.server.outcome();
  assertEquals([code, stdout], [0, "from them\n"]);
});

Deno.test("pipe ends our side at the end of input, and waits for the client as long as it takes", async () => {
  await using started = await startPipe();
  using conn = await dial(started.endpoint);
  await started.server.type("all\n");
  await started.server.endInput();
  assertEquals(await readTextToEnd(conn), "all\n");
  await writeAll(conn, "late");
  await conn.closeWrite();
  const { code, stdout } = await started.server.outcome();
  assertEquals([code, stdout], [0, "late"]);
});

Deno.test("pipe rejects a second client while it serves, and ends after the first", async () => {
  await using started = await startPipe();
  using conn = await dial(started.endpoint);
  await writeAll(conn, "x\n");
  await started.server.line();
  await assertRefused(started.endpoint);
});

Deno.test("pipe --keep serves one client after another, each with the input since the last one", async () => {
  await using started = await startPipe(["--keep", "--wait-reply", "100ms"]);
  for (const name of ["first", "second"]) {
    using conn = await dial(started.endpoint);
    await writeAll(conn, `${name}\n`);
    assertEquals(await started.server.line(), name);
    await started.server.type(`for ${name}\n`);
    assertEquals(await new LinePeer(conn).line(), `for ${name}`);
  }
  started.server.kill("SIGTERM");
  assertEquals(await started.server.exitCode(), 0);
});

Deno.test("pipe exits 7 when the client resets the connection, and 5 when it does not end in time", async () => {
  await using reset = await startPipe();
  const { hostname, port } = new URL(reset.endpoint.replace("tcp:", "http:"));
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.write("x\n");
  await reset.server.line();
  socket.resetAndDestroy();
  assertEquals(await reset.server.exitCode(), 7);
  await using late = await startPipe(["--wait-reply", "200ms"]);
  using _conn = await dial(late.endpoint);
  await late.server.endInput();
  const { code, stderr } = await late.server.outcome();
  assertEquals(code, 5);
  assertMatch(stderr, /did not close the connection within 200ms of the last byte/);
});

Deno.test("pipe --idle-timeout exits 5 once nothing was sent or received for that time", async () => {
  await using started = await startPipe(["--idle-timeout", "200ms"]);
  using _conn = await dial(started.endpoint);
  // The server's own deadline, which counts a blocked output, says "within".
  await started.server.errorLine(/nothing was received or sent for 200ms/);
  assertEquals(await started.server.exitCode(), 5);
});

Deno.test("pipe --receive-only keeps our side open although standard input has ended", async () => {
  await using started = await startPipe(["--receive-only"]);
  await started.server.endInput();
  using conn = await dial(started.endpoint);
  const order: string[] = [];
  const ended = readTextToEnd(conn).then(() => order.push("our end"));
  for (const text of ["one", "two"]) {
    await writeAll(conn, `${text}\n`);
    order.push(await started.server.line());
  }
  await conn.closeWrite();
  await ended;
  assertEquals([order, await started.server.exitCode()], [["one", "two", "our end"], 0]);
});

Deno.test("pipe --keep lets its client finish after SIGTERM, and closes it after --drain-timeout", async () => {
  for (const isFinishing of [true, false]) {
    const waits = isFinishing ? ["--drain-timeout", "60s", "--wait-reply", "100ms"] : ["--drain-timeout", "100ms"];
    const startMs = performance.now();
    await using started = await startPipe(["--keep", ...waits]);
    using conn = await dial(started.endpoint);
    await writeAll(conn, "one\n");
    assertEquals(await started.server.line(), "one");
    started.server.kill("SIGTERM");
    await started.server.errorLine(/draining/);
    if (isFinishing) {
      await writeAll(conn, "two\n");
      assertEquals(await started.server.line(), "two");
      await conn.closeWrite();
    } else await started.server.errorLine(/drain timed out/);
    assertEquals(await started.server.exitCode(), 0);
    // No wait for input, which takes 5 s by default.
    assert(performance.now() - startMs < 4_000);
  }
});

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test(`pipe exits ${code} when ${signal} ends it before, or while, it serves its client`, async () => {
    await using waiting = await startPipe();
    waiting.server.kill(signal);
    assertEquals(await waiting.server.exitCode(), code);
    await using serving = await startPipe();
    using conn = await dial(serving.endpoint);
    await writeAll(conn, "x\n");
    await serving.server.line();
    serving.server.kill(signal);
    assertEquals(await serving.server.exitCode(), code);
  });
}

Deno.test("pipe over WebSocket makes a message of each line and waits for a client that only sends", async () => {
  await using started = await startPipe(["--wait-reply", "100ms"], "ws://127.0.0.1:0");
  await started.server.endInput();
  const socket = new WebSocket(started.endpoint);
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onclose = () => closed.resolve();
  await opened.promise;
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.send("one");
  socket.send("two");
  socket.close(1000);
  const { code, stdout } = await started.server.outcome();
  assertEquals([code, stdout], [0, "one\ntwo\n"]);
  await closed.promise;
});

Deno.test("pipe --keep over WebSocket serves the next client as soon as one has left", async () => {
  // Longer than a test may take.
  await using started = await startPipe(["--keep", "--wait-reply", "5m"], "ws://127.0.0.1:0");
  for (const name of ["first", "second"]) {
    await started.server.type(`for ${name}\n`);
    const flags = ["--text", "--expect", `for ${name}`];
    const { code } = await runProgram("client", ["send", started.endpoint, name, ...flags]);
    assertEquals([code, await started.server.line()], [0, name]);
  }
  started.server.kill("SIGTERM");
  assertEquals(await started.server.exitCode(), 0);
});

Deno.test("pipe over WebSocket closes once its input has ended and nothing more arrives", async () => {
  await using started = await startPipe(["--wait-reply", "100ms"], "ws://127.0.0.1:0");
  const socket = new WebSocket(started.endpoint);
  const got: unknown[] = [];
  const closed = Promise.withResolvers<number>();
  socket.onmessage = ({ data }) => got.push(data);
  socket.onclose = ({ code }) => closed.resolve(code);
  await started.server.type("one\ntwo\n");
  await started.server.endInput();
  assertEquals(await closed.promise, 1000);
  assertEquals(got, ["one", "two"]);
  assertEquals((await started.server.outcome()).code, 0);
});

toolTest("nc", "pipe and nc exchange 100 MB both ways at once, unchanged", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["ours", "theirs"]) {
      await sh(`head -c 100000000 /dev/urandom > ${folder}/${name}`);
    }
    const port = closedPort();
    const pipe = `${Deno.execPath()} run -N --unstable-net src/server.ts pipe :${port}`;
    const script = `${pipe} --log-level off < ${folder}/ours > ${folder}/fromThem & pid=$!
      for i in $(seq 200); do nc -N 127.0.0.1 ${port} < ${folder}/theirs > ${folder}/fromUs && break; sleep 0.05; done
      wait $pid && cmp ${folder}/ours ${folder}/fromUs && cmp ${folder}/theirs ${folder}/fromThem`;
    await sh(script);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("pipe takes one endpoint, and one kind of lines", async () => {
  for (
    const [words, message] of [
      [["pipe", ":0", ":0"], /unexpected argument ":0"/],
      [["pipe", ":0", "--crlf", "--hex"], /--crlf and --hex cannot be combined/],
      [["pipe", "ws://:0", "--crlf"], /--crlf cannot be used with WebSocket/],
    ] as const
  ) {
    const { code, stderr } = await runProgram("server", words);
    assertEquals(code, 2);
    assertMatch(stderr, message);
  }
});

async function sh(script: string): Promise<void> {
  const { code, stderr } = await runTool("sh", ["-c", script], { cwd: new URL("../..", import.meta.url).pathname });
  assertEquals(code, 0, stderr);
}

async function assertRefused(endpoint: string): Promise<void> {
  try {
    (await dial(endpoint)).close();
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionRefused);
    return;
  }
  throw new Error("a second client was accepted");
}

toolTest("python3", "pipe on a terminal edits lines, and ends with its client", async () => {
  const port = closedPort();
  await using terminal = new Terminal("server", ["pipe", `:${port}`]);
  await terminal.until("listening on");
  using conn = await dial(`tcp://127.0.0.1:${port}`);
  await terminal.until("connected to");
  await terminal.type("hllo\x1b[D\x1b[D\x1b[De\r");
  assertEquals(await new LinePeer(conn).line(), "hello");
  await writeAll(conn, "and you\n");
  await terminal.until("and you");
  await conn.closeWrite();
  assertEquals(await terminal.exitCode(), 0);
});
