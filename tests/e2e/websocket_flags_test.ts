import { assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { bigEndian, concat, utf8 } from "../../src/base/bytes.ts";
import { fakeEnv } from "../support/fake_env.ts";
import { dial as dialEndpoint, LinePeer, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { startServer as startServerProcess } from "../support/program.ts";
import { runClient } from "../support/run_client.ts";
import { runTool, toolTest } from "../support/tools.ts";

/** An HTTP server that answers one request after the other with these answers; it keeps the heads. */
function httpServer(
  ...answers: (string | Uint8Array)[]
): { url: string; port: number; heads: string[] } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heads: string[] = [];
  const serving = (async () => {
    for await (const conn of listener) {
      const peer = new LinePeer(conn);
      const head: string[] = [];
      for (let line = await peer.line(); line !== undefined && line !== "\r"; line = await peer.line()) {
        head.push(line.trimEnd());
      }
      heads.push(head.join("\n"));
      await writeAll(conn, answers.shift() ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").catch(() => {});
      conn.close();
    }
  })();
  const { port } = listener.addr;
  return {
    url: `ws://127.0.0.1:${port}`,
    port,
    heads,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

Deno.test("--header, --cookie, --bearer and user information go into the handshake, and into no message", async () => {
  await using server = httpServer();
  {
    using _env = fakeEnv({ PARLEY_TEST_TOKEN: "s3cret-token" });
    const flags = ["--header", "X-Id: 7", "--header", "x-id: 8", "--cookie", "a=b", "--cookie", "c=d"];
    const args = ["send", `${server.url}/a?q=1&r=%20`, "x", ...flags, "--bearer", "env:PARLEY_TEST_TOKEN"];
    const { code, stderr } = await runClient([...args, "--log-level", "trace"]);
    assertEquals(code, 1);
    assertEquals(stderr.includes("s3cret"), false, stderr);
    const [head = ""] = server.heads;
    for (
      const line of [
        "GET /a?q=1&r=%20 HTTP/1.1",
        "X-Id: 7, 8",
        "Cookie: a=b; c=d",
        "Authorization: Bearer s3cret-token",
      ]
    ) {
      assertEquals(head.split("\n").includes(line), true, head);
    }
  }
  const basic = await runClient(["send", `ws://ann:p%40ss@127.0.0.1:${server.port}/`, "x", "--log-level", "trace"]);
  assertStringIncludes(server.heads[1] ?? "", `Authorization: Basic ${btoa("ann:p@ss")}`);
  assertEquals(/p@ss|p%40ss|ann:|Authorization/.test(basic.stderr), false, basic.stderr);
});

Deno.test("WebSocket flags that are malformed, or given without WebSocket, are usage errors", async () => {
  for (
    const [flags, words] of [
      [["--header", "novalue"], "not 'NAME: VALUE'"],
      [["--header", "Upgrade: x"], "the WebSocket handshake sets it"],
      [["--header", "X: a\u0001b"], "a character that HTTP does not allow"],
      [["--cookie", "ab"], "not NAME=VALUE"],
      [["--bearer", "secret-token"], "--bearer takes env:NAME or file:PATH"],
      [["--close", "999"], "--close: Cannot use"],
      [["--close", "1005"], "--close: Cannot use"],
      [["--close", `4000 ${"x".repeat(124)}`], "longer than 123 bytes"],
    ] as const
  ) {
    await using server = httpServer();
    const { code, stderr } = await runClient(["send", server.url, "x", ...flags]);
    assertEquals([code, stderr.includes(words), stderr.includes("secret")], [2, true, false], stderr);
  }
  const { code, stderr } = await runClient(["connect", "tcp://127.0.0.1:9", "--compress"]);
  assertEquals([code, stderr.includes("--compress needs an endpoint with ws:// or wss://")], [2, true], stderr);
  const wrong = await runClient(["send", "ws://u:secret@127.0.0.1:x/", "a"]);
  assertEquals([wrong.code, wrong.stderr.includes("secret")], [2, false], wrong.stderr);
});

Deno.test("a redirect is reported, and followed with --follow; credentials stay with the first host", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0"]);
  const { port } = new URL(echo.endpoint);
  const redirect = (to: string) => `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
  await using server = httpServer(redirect("/b"), redirect("/b"), redirect(`http://127.0.0.1:${port}/`));
  const reported = await runClient(["send", server.url, "x"]);
  assertEquals(reported.code, 1);
  assertStringIncludes(reported.stderr, "the server answered 302 Found to /b");
  const args = ["send", server.url, "hi", "--expect", "hi", "--follow", "--cookie", "a=b"];
  const followed = await runClient(args);
  assertEquals([followed.code, followed.stdout], [0, "hi\n"], followed.stderr);
  assertMatch(server.heads[2] ?? "", /^GET \/b [^]*Cookie: a=b/);
  await using loop = httpServer(...Array.from({ length: 9 }, () => redirect("/")));
  assertStringIncludes((await runClient(["send", loop.url, "x", "--follow"])).stderr, "302");
  assertEquals(loop.heads.length, 6);
});

Deno.test("a rejection shows its status and the text of its body", async () => {
  const body = (type: string, text: string) =>
    `HTTP/1.1 401 Unauthorized\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  await using server = httpServer(body("text/html", "<p>log\n in</p>"), body("application/json", '{"e":1}'));
  assertStringIncludes((await runClient(["send", server.url, "x"])).stderr, "401 Unauthorized: <p>log in</p>");
  assertStringIncludes((await runClient(["send", server.url, "x"])).stderr, '401 Unauthorized: {"e":1}');
});

Deno.test("a refusal's body is decoded, also if it is cut, and within a bound", async () => {
  const words = "log in at the front desk first";
  const long = `${words} ${
    Array.from({ length: 4_000 }, (_, index) => (index * 7919 % 10_007).toString(36)).join(" ")
  }`;
  const bomb = gzipSync(new Uint8Array(1 << 19));
  const cases: readonly (readonly [coding: string, body: Uint8Array, shown: string])[] = [
    ["gzip", gzipSync(words), words],
    ["gzip", gzipSync(long), words],
    ["deflate", deflateSync(words), words],
    ["deflate", deflateRawSync(words), words],
    ["br", brotliCompressSync(words), words],
    ["br", brotliCompressSync(long), words],
    ["identity", utf8(words), words],
    ["gzip", utf8("no gzip"), "(a body encoded with gzip)"],
    ["gzip", bomb, "(a body encoded with gzip)"],
    ["zstd", utf8(words), "(a body encoded with zstd)"],
  ];
  const answers = cases.map(([coding, body]) => {
    const head = `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Encoding: ${coding}\r\n`;
    return concat([utf8(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  });
  await using server = httpServer(...answers);
  for (const [coding, , shown] of cases) {
    const { code, stderr } = await runClient(["send", server.url, "x"]);
    assertEquals([coding, code, stderr.includes(`403 Forbidden: ${shown}`)], [coding, 1, true], stderr);
  }
});

Deno.test("--compress on both sides compresses, and a bomb is closed with 1009", async () => {
  await using echo = await startServerProcess(["echo", "ws://127.0.0.1:0", "--compress", "--max-message", "2MiB"]);
  const text = "hello ".repeat(5_000);
  const { code, stdout, stderr } = await runClient(["send", echo.endpoint, text, "--compress", "--expect", text]);
  assertEquals([code, stdout], [0, `${text}\n`], stderr);
  const plain = await runClient(["send", echo.endpoint, text, "--expect", text]);
  assertEquals(plain.code, 0, plain.stderr);
  using conn = await dialEndpoint(echo.endpoint);
  await writeAll(
    conn,
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
  );
  const peer = new LinePeer(conn);
  let head = "";
  for (let line = await peer.line(); line !== "\r"; line = await peer.line()) head += `${line}\n`;
  assertStringIncludes(head, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  // 1 GiB of zeros in a message that is small enough as it comes. Flushed data ends with a byte, so it can be repeated.
  const part = deflateRawSync(new Uint8Array(16 << 20), { finishFlush: constants.Z_SYNC_FLUSH });
  const bomb = concat(Array.from({ length: 64 }, () => part)).subarray(0, -4);
  assertLess(bomb.length, 2 << 20);
  const { pid } = echo.server;
  const before = peakBytes(pid);
  // Masked with zeros.
  const start = Uint8Array.of(0xc2, 0x80 | 127, 0, 0, 0, 0);
  await writeAll(conn, concat([start, bigEndian(bomb.length, 4), new Uint8Array(4), bomb]));
  const answer = new Uint8Array(256);
  const count = await conn.read(answer) ?? 0;
  assertEquals([answer[0], (answer[2] ?? 0) << 8 | (answer[3] ?? 0)], [0x88, 1009], `${count} bytes`);
  if (Deno.build.os === "linux") assertLess(peakBytes(pid) - before, 64 << 20);
});

/** The most memory that a process has had, on Linux. */
function peakBytes(pid: number): number {
  if (Deno.build.os !== "linux") return 0;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]) * 1_024;
}

Deno.test("--close sends its code and text, and --ping prints round-trip times", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0", "--log-level", "debug"]);
  let turn = 0;
  const input = async () => {
    if (++turn > 1) return null;
    await new Promise((resolve) => setTimeout(resolve, 250));
    return "hello\n";
  };
  const args = ["connect", echo.endpoint, "--ping", "50ms", "--wait-reply", "200ms", "--close", "4001 bye"];
  const { code, stdout, stderr } = await runClient(args, input);
  assertEquals([code, stdout], [0, "hello\n"], stderr);
  assertMatch(stderr, /^parley-client: ping \d+\.\d\dms$/m);
});

Deno.test("--auth takes Basic credentials of a WebSocket client, and --token-file bearer tokens", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { stdout } = await runProgram("server", ["hash-password", "ann"], { input: "secret\n" });
    await Deno.writeTextFile(`${folder}/names`, stdout);
    await Deno.writeTextFile(`${folder}/tokens`, "# bots\nci 0123456789abcdef\n");
    await Deno.writeTextFile(`${folder}/token`, "0123456789abcdef\n");
    await Deno.writeTextFile(`${folder}/wrong`, "0123456789abcdee\n");
    const basic = ["echo", "ws://127.0.0.1:0", "--auth", `${folder}/names`, "--token-file", `${folder}/tokens`];
    await using started = await startServer(basic);
    const send = (endpoint: string, ...flags: string[]) =>
      runClient(["send", endpoint, "hi", "--expect", "hi", ...flags]);
    const withUser = (user: string) => started.endpoint.replace("ws://", `ws://${user}@`);
    assertEquals((await send(withUser("ann:secret"))).code, 0);
    assertStringIncludes((await send(withUser("ann:wrong"))).stderr, "401 Unauthorized: invalid credentials");
    assertEquals((await send(started.endpoint, "--bearer", `file:${folder}/token`)).code, 0);
    assertEquals((await send(started.endpoint, "--bearer", `file:${folder}/wrong`)).code, 1);
    // Without the field the first message is the login, as before.
    assertStringIncludes((await send(started.endpoint)).stdout + (await send(started.endpoint)).stderr, "log in first");
    await using only = await startServer(["echo", "ws://127.0.0.1:0", "--token-file", `${folder}/tokens`]);
    assertEquals((await send(only.endpoint, "--bearer", `file:${folder}/token`)).code, 0);
    assertStringIncludes((await send(only.endpoint)).stderr, "401 Unauthorized: an Authorization field is required");
    const open = await runProgram("server", ["echo", "ws://:0", ":0", "--token-file", `${folder}/tokens`]);
    assertEquals([open.code, open.stderr.includes("--token-file does not protect :0")], [2, true], open.stderr);
    await Deno.writeTextFile(`${folder}/short`, "ci short\n");
    const short = await runProgram("server", ["echo", "ws://:0", "--token-file", `${folder}/short`]);
    assertEquals([short.code, short.stderr.includes("line 1")], [2, true], short.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

toolTest(
  "/usr/bin/python3",
  "Python's websockets talks to us with headers, deflate, login and close codes",
  async () => {
    await using started = await startServer(["echo", "ws://127.0.0.1:0", "--compress", "--log-level", "off"]);
    const script = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], extra_headers={"X-Id": "7"}) as ws:
        print(",".join(e.name for e in ws.extensions))
        for text in ["hello " * 1000, "x", "é" * 500]:
            await ws.send(text)
            assert await ws.recv() == text
        await ws.send([b"a" * 1000, b"b" * 1000])
        assert await ws.recv() == b"a" * 1000 + b"b" * 1000
        await ws.close(4000, "bye")
        print(ws.close_code)
asyncio.run(main())
`;
    const { code, stdout, stderr } = await runTool("/usr/bin/python3", ["-c", script, started.endpoint]);
    assertEquals([code, stdout], [0, "permessage-deflate\n4000\n"], stderr);
  },
);

toolTest(
  "/usr/bin/python3",
  "our client talks to Python's websockets with headers, user information and deflate",
  async () => {
    const script = `
import asyncio, websockets
async def serve(ws):
    await ws.send(ws.request_headers.get("X-Id", "") + " " + ws.username + " " + ",".join(e.name for e in ws.extensions))
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosedError:
        pass
    print(ws.close_code, ws.close_reason, flush=True)
async def main():
    protocol = websockets.basic_auth_protocol_factory(realm="a", credentials=("ann", "secret"))
    async with websockets.serve(serve, "127.0.0.1", 0, create_protocol=protocol) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.sleep(20)
asyncio.run(main())
`;
    const child = new Deno.Command("/usr/bin/python3", { args: ["-c", script], stdout: "piped", stderr: "null" })
      .spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    try {
      const port = (await lines.read()).value?.trim();
      const text = "hello ".repeat(1_000);
      const args = ["send", `ws://ann:secret@127.0.0.1:${port}/`, text, "--expect", text];
      const more = ["--header", "X-Id: 7", "--compress", "--close", "4002 done"];
      const { code, stdout, stderr } = await runClient([...args, ...more]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "7 ann permessage-deflate");
      let printed = "";
      while (!printed.endsWith("done\n")) printed += (await lines.read()).value ?? "done\n";
      assertEquals(printed.trim(), "4002 done");
      const wrong = await runClient(["send", `ws://ann:no@127.0.0.1:${port}/`, "x"]);
      assertEquals([wrong.code, wrong.stderr.includes("401")], [1, true], wrong.stderr);
    } finally {
      child.kill("SIGKILL");
      await lines.cancel();
      await child.status;
    }
  },
);
