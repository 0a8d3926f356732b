import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readTextToEnd, readToEnd, writeAll } from "../support/peer.ts";
import { closedPort, portOf, whenListening } from "../support/ports.ts";
import {
  childrenOf,
  exchange,
  serveInARow,
  startExec,
  startExecProcess,
  untilNoChild,
} from "../support/exec_server.ts";
import { runProgram } from "../support/in_process.ts";
import { sightOf, untilSight } from "../support/sight.ts";
import { findTool, toolTest } from "../support/tools.ts";

const EXAMPLES = "/usr/share/doc/websocketd/examples/bash";

/** What a WebSocket client gets until its end, after it has sent its messages one by one. */
async function messagesOf(
  url: string,
  sends: readonly (string | Uint8Array<ArrayBuffer>)[] = [],
  count = Infinity,
): Promise<{ messages: unknown[]; code: number }> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const messages: unknown[] = [];
  const closed = Promise.withResolvers<number>();
  socket.onopen = () => sends.forEach((data) => socket.send(data));
  socket.onmessage = ({ data }) => {
    messages.push(typeof data === "string" ? data : new Uint8Array(data));
    if (messages.length === count) socket.close(1000);
  };
  socket.onclose = ({ code }) => closed.resolve(code);
  socket.onerror = (event) => event.preventDefault();
  return { messages, code: await closed.promise };
}

Deno.test("exec joins each client to a program of its own, and passes every byte on", async () => {
  await using started = await startExec([], ["cat"]);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const all = new Uint8Array(3_000_000).map((_, index) => bytes[index % bytes.length] ?? 0);
  using conn = await dial(started.endpoint);
  using other = await dial(started.endpoint);
  const [back] = await Promise.all([readToEnd(conn), writeAll(conn, all).then(() => conn.closeWrite())]);
  assertEquals(back.length, all.length);
  assert(back.every((byte, index) => byte === all[index]));
  await writeAll(other, "mine\n");
  assertEquals(await new LinePeer(other).line(), "mine");
});

toolTest("bc", "exec serves bc and a line server in Python", async () => {
  await using calculator = await startExec([], ["bc", "-l"]);
  assertEquals(await exchange(calculator.endpoint, "2^70\n"), "1180591620717411303424\n");
  const script = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)";
  await using upper = await startExec(["--framing", "line"], ["python3", "-c", script]);
  using conn = await dial(upper.endpoint);
  const peer = new LinePeer(conn);
  await peer.send("one\r");
  assertEquals(await peer.line(), "ONE");
});

Deno.test("exec leaves no process and no descriptor after 100 clients in a row", () => serveInARow(100));

Deno.test("exec reports a program that exits with 3 in the log and in /connections", async () => {
  await using started = await startExec(["--metrics", "127.0.0.1:0"], ["sh", "-c", "echo no >&2; echo said; exit 3"]);
  const metrics = await started.server.line();
  assertEquals(await exchange(started.endpoint, ""), "said\n");
  assertMatch(await started.server.errorLine(/stderr/), /info \[exec\] no connection=1/);
  assertMatch(await started.server.errorLine(/program ended/), /warning .*status="exit status 3"/);
  const sight = await untilSight(metrics, ({ recentlyClosed }) => recentlyClosed.length === 1);
  const [closed] = sight.recentlyClosed as ({ note?: string; reason: string })[];
  assertEquals([closed?.note, closed?.reason], ["exit status 3", "error"]);
});

Deno.test("exec shows the process of an open connection in /connections", async () => {
  await using started = await startExecProcess(["--metrics", "127.0.0.1:0"], ["cat"]);
  const metrics = await started.server.line();
  using conn = await dial(started.endpoint);
  await writeAll(conn, "x\n");
  await new LinePeer(conn).line();
  const [open] = (await sightOf(metrics)).connections as ({ note?: string })[];
  assertEquals(`pid ${(await childrenOf(started.server))[0]}`, open?.note);
});

Deno.test("exec sends all that a program wrote to a client that reads late", async () => {
  await using started = await startExec([], ["head", "-c", "20000000", "/dev/zero"]);
  using conn = await dial(started.endpoint);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals((await readToEnd(conn)).length, 20_000_000);
});

Deno.test("exec ends the program of a disconnected client: SIGTERM, then SIGKILL", async () => {
  const script = "trap '' TERM PIPE; while :; do echo up; sleep 0.02; done";
  await using started = await startExecProcess(["--kill-after", "100ms"], ["sh", "-c", script]);
  {
    using conn = await dial(started.endpoint);
    assertEquals(await new LinePeer(conn).line(), "up");
  }
  assertMatch(await started.server.errorLine(/program ended/), /status="ended by SIGKILL"/);
  await untilNoChild(started.server);
});

Deno.test("exec ends a program that writes nothing for --finish-timeout after its client's end, and no other", async () => {
  await using started = await startExecProcess(["--finish-timeout", "1500ms"], [
    "sh",
    "-c",
    "cat >/dev/null; for i in 1 2 3 4 5 6 7; do sleep 0.3; echo $i; done; sleep 600",
  ]);
  assertEquals(await exchange(started.endpoint, "x\n"), "1\n2\n3\n4\n5\n6\n7\n");
  assertMatch(await started.server.errorLine(/stopping/), /reason="finish timeout"/);
  await untilNoChild(started.server);
});

Deno.test("exec ends a program that runs for longer than --timeout, with all that it has started", async () => {
  await using started = await startExecProcess(["--timeout", "300ms"], ["sh", "-c", "sleep 600 & sleep 600"]);
  using conn = await dial(started.endpoint);
  assertEquals(await readTextToEnd(conn), "");
  assertMatch(await started.server.errorLine(/program ended/), /status="ended by SIGTERM"/);
  await untilNoChild(started.server);
});

Deno.test("exec does not wait for processes that a program has left behind", async () => {
  await using started = await startExecProcess([], ["sh", "-c", "sleep 600 & echo done"]);
  const startMs = performance.now();
  assertEquals(await exchange(started.endpoint, ""), "done\n");
  assert(performance.now() - startMs < 5_000);
  await untilNoChild(started.server);
});

Deno.test("exec --shared sends every client's lines to one program, and its lines to every client", async () => {
  await using started = await startExecProcess(["--shared"], ["cat"]);
  using first = await dial(started.endpoint);
  using second = await dial(started.endpoint);
  const [one, two] = [new LinePeer(first), new LinePeer(second)];
  await one.send("a");
  assertEquals(await one.line(), "a");
  await two.send("b");
  assertEquals([await one.line(), await two.until(/b/)], ["b", "b"]);
  assertEquals((await childrenOf(started.server)).length, 1);
  started.server.kill("SIGTERM");
  assertEquals(await started.server.exitCode(), 0);
});

Deno.test("exec --shared ends its clients when the program ends, and starts it again for the next", async () => {
  await using started = await startExec(["--shared"], ["head", "-n", "1"]);
  assertEquals(await exchange(started.endpoint, "a\n"), "a\n");
  assertEquals(await exchange(started.endpoint, "b\n"), "b\n");
});

Deno.test("exec describes the client to the program", async () => {
  const script =
    'echo "$REMOTE_ADDR $REMOTE_PORT $SERVER_PORT $SERVER_PROTOCOL $PARLEY_CONNECTION ${REQUEST_METHOD-none}"';
  await using started = await startExec([], ["sh", "-c", script]);
  using conn = await dial(started.endpoint);
  const port = (conn.localAddr as Deno.NetAddr).port;
  const server = portOf(started.endpoint);
  assertEquals(await readTextToEnd(conn), `127.0.0.1 ${port} ${server} tcp 1 none\n`);
});

Deno.test("exec sets the CGI variables for a WebSocket's program, but never HTTP_PROXY", async () => {
  const script = 'echo "$GATEWAY_INTERFACE $REQUEST_METHOD $REQUEST_URI $PATH_INFO $QUERY_STRING $SERVER_PROTOCOL"; ' +
    'echo "$HTTP_X_TEST ${HTTP_PROXY-none}"';
  await using started = await startExec([], ["sh", "-c", script], "ws://127.0.0.1:0");
  const { hostname, port } = new URL(started.endpoint);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const head =
    `GET /a/b?x=1&y=2 HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Test: yes\r\nProxy: evil\r\n\r\n";
  await writeAll(conn, head);
  const peer = new LinePeer(conn);
  await peer.until(/^\r$/);
  let text = "";
  const buffer = new Uint8Array(4_096);
  while (!text.includes("none")) text += new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
  assertStringIncludes(text, "CGI/1.1 GET /a/b?x=1&y=2 /a/b x=1&y=2 HTTP/1.1");
  assertStringIncludes(text, "yes none");
});

toolTest("websocketd", "exec behaves as websocketd does with its examples count and greeter", async () => {
  await using count = await startExec([], ["bash", `${EXAMPLES}/count.sh`], "ws://127.0.0.1:0");
  await using greeter = await startExec([], ["bash", `${EXAMPLES}/greeter.sh`], "ws://127.0.0.1:0");
  await using theirCount = await startWebsocketd(["bash", `${EXAMPLES}/count.sh`]);
  await using theirGreeter = await startWebsocketd(["bash", `${EXAMPLES}/greeter.sh`]);
  const names = ["Ann", "two\nlines", "ü"];
  const [ours, theirs, greeted, theyGreeted] = await Promise.all([
    messagesOf(count.endpoint),
    messagesOf(theirCount.url),
    messagesOf(greeter.endpoint, names, 4),
    messagesOf(theirGreeter.url, names, 4),
  ]);
  assertEquals(ours.messages, Array.from({ length: 10 }, (_, index) => String(index + 1)));
  assertEquals(ours.messages, theirs.messages);
  assertEquals(ours.code, 1000);
  assertEquals(greeted.messages, ["Hello Ann!", "Hello two!", "Hello lines!", "Hello ü!"]);
  assertEquals(greeted.messages, theyGreeted.messages);
});

Deno.test("exec sends a line that is not UTF-8, and everything with --binary, as binary messages", async () => {
  await using lines = await startExec([], ["printf", "ok\\n\\377\\nlast"], "ws://127.0.0.1:0");
  assertEquals((await messagesOf(lines.endpoint)).messages, ["ok", Uint8Array.of(255), "last"]);
  await using bytes = await startExec(["--binary"], ["cat"], "ws://127.0.0.1:0");
  const { messages } = await messagesOf(bytes.endpoint, [Uint8Array.of(1, 10, 2)], 1);
  assertEquals(messages, [Uint8Array.of(1, 10, 2)]);
});

Deno.test("exec makes a message of what --framing makes one", async () => {
  await using started = await startExec(["--framing", "length:1"], ["cat"], "ws://127.0.0.1:0");
  const sent = [Uint8Array.of(1, 10, 2), Uint8Array.of(3)];
  assertEquals((await messagesOf(started.endpoint, sent, 2)).messages, sent);
});

Deno.test("exec closes a WebSocket with 1011 if the program failed, and ends a program whose client has closed", async () => {
  await using failing = await startExecProcess([], ["false"], "ws://127.0.0.1:0");
  assertEquals((await messagesOf(failing.endpoint)).code, 1011);
  await using endless = await startExecProcess(
    ["--kill-after", "100ms"],
    ["sh", "-c", "echo up; sleep 600"],
    "ws://127.0.0.1:0",
  );
  assertEquals(await messagesOf(endless.endpoint, [], 1), { messages: ["up"], code: 1000 });
  await untilNoChild(endless.server);
});

Deno.test("exec lets another client wait while --max-connections programs run", async () => {
  await using started = await startExecProcess(["--max-connections", "1"], ["cat"]);
  using first = await dial(started.endpoint);
  const one = new LinePeer(first);
  await one.send("a");
  assertEquals(await one.line(), "a");
  using second = await dial(started.endpoint);
  await writeAll(second, "b\n");
  assertEquals((await childrenOf(started.server)).length, 1);
  await first.closeWrite();
  assertEquals(await one.line(), undefined);
  assertEquals(await new LinePeer(second).line(), "b");
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
  Deno.test(`exec drains: a program sees the end of its input, and ${signal} leaves none behind`, async () => {
    await using started = await startExecProcess([], ["sh", "-c", "cat; echo bye"]);
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    await peer.send("hi");
    assertEquals(await peer.line(), "hi");
    const [child = ""] = await childrenOf(started.server);
    started.server.kill(signal);
    assertEquals(await started.server.exitCode(), 0);
    assertEquals(findProcess(child), false);
  });
}

function findProcess(pid: string): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    // It has ended.
    return false;
  }
}

for (
  const [words, message] of [
    [["exec", ":0"], /no program to run: give it after "--"/],
    [["exec", ":0", "--"], /no command follows "--"/],
    [["exec", ":0", "--", "no-such-command"], /Cannot run "no-such-command": no such command/],
    [["exec", ":0", "--", "/etc/passwd"], /Cannot run "\/etc\/passwd": it is not executable/],
    [["exec", ":0", "--shared", "--timeout", "1s", "--", "cat"], /--shared and --timeout cannot be combined/],
    [["exec", ":0", "--workers", "2", "--", "cat"], /does not support --workers/],
  ] as const
) {
  Deno.test(`parley-server ${words.join(" ")} exits 2`, async () => {
    const { code, stderr } = await runProgram("server", words);
    assertEquals(code, 2);
    assertMatch(stderr, message);
  });
}

Deno.test("exec without --allow-run names the permission", async () => {
  const { code, stderr } = await runProgram("server", ["exec", ":0", "--exit-after", "1", "--", "cat"], {
    permissions: ["-N"],
  });
  assertEquals(code, 8);
  assertMatch(stderr, /--allow-run/);
});

async function startWebsocketd(words: readonly string[]): Promise<{ url: string } & AsyncDisposable> {
  const port = closedPort();
  const child = new Deno.Command(findTool("websocketd") ?? "", {
    args: ["--address=127.0.0.1", `--port=${port}`, ...words],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  (await whenListening(port)).close();
  return {
    url: `ws://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
