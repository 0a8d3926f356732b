import { assertEquals, assertStringIncludes } from "@std/assert";
import { dial } from "../../src/dial.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { startRelay, startService } from "../../src/testing.ts";
import { runClient } from "../support/run_client.ts";
import { runTool, toolTest } from "../support/tools.ts";

async function withEcho(path: string, test: (endpoint: string, file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/echo.sock`;
  try {
    await using server = await startService("echo", [], { endpoints: `ws+unix:${file}${path}` });
    await test(formatEndpoint(server.endpoint), file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("WebSocket over a Unix socket: send, check and bench reach the server, at its path only", async () => {
  await withEcho(":/talk", async (endpoint, file) => {
    assertEquals(endpoint, `ws+unix:${file}:/talk`);
    const sent = await runClient(["send", `${endpoint}?a=b`, "hello", "--expect", "hello"]);
    assertEquals([sent.code, sent.stdout], [0, "hello\n"], sent.stderr);
    const checked = await runClient(["check", endpoint, "--send", "hi", "--banner", "^hi$", "--header", "X-A: b"]);
    assertEquals([checked.code, checked.stdout.includes("status=101")], [0, true], checked.stdout);
    const benched = await runClient(["bench", endpoint, "-n", "100", "--connections", "2"]);
    assertEquals(benched.code, 0, benched.stderr);
    const elsewhere = await runClient(["send", `ws+unix:${file}:/other`, "hello"]);
    assertEquals(elsewhere.code, 1);
    assertStringIncludes(elsewhere.stderr, `Cannot open ws+unix:${file}:/other: the server answered 404`);
    const plain = await runClient(["check", `ws+unix:${file}.none`]);
    assertEquals(plain.code, 4, plain.stdout);
  });
});

Deno.test("a redirect at a Unix socket stays there if it is relative or names localhost; other answers are not followed", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/redirect.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const heads: string[] = [];
  const serving = (async () => {
    for (const location of ["/b?c=d", "http://localhost/e", undefined]) {
      using conn = await listener.accept();
      const bytes = new Uint8Array(4_096);
      heads.push(new TextDecoder().decode(bytes.subarray(0, await conn.read(bytes) ?? 0)));
      const answer = location === undefined ? "404 Not Found\r\n" : `302 Found\r\nLocation: ${location}\r\n`;
      await conn.write(new TextEncoder().encode(`HTTP/1.1 ${answer}Content-Length: 0\r\n\r\n`));
    }
  })();
  try {
    const { code, stderr } = await runClient(["send", `ws+unix:${path}:/a`, "x", "--follow", "--cookie", "k=v"]);
    assertEquals(code, 1, stderr);
    await serving;
    assertEquals(heads.map((head) => head.split(" ")[1]), ["/a", "/b?c=d", "/e"]);
    for (const head of heads) assertStringIncludes(head, "Host: localhost\r\n");
    assertEquals(heads.map((head) => head.includes("Cookie: k=v")), [true, true, true]);
  } finally {
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a relay passes messages between WebSocket over a Unix socket and over TCP", async () => {
  await withEcho("", async (endpoint, file) => {
    await using relay = await startRelay("ws://127.0.0.1:0", endpoint);
    await using session = await dial(relay.endpoint);
    await session.write("through");
    assertEquals((await session.receive({ timeout: 20_000 }))?.[0]?.data, new TextEncoder().encode("through"));
    assertEquals((await Deno.stat(file)).isSocket, true);
  });
});

toolTest("curl", "curl speaks HTTP at the Unix socket of a WebSocket endpoint", async () => {
  await withEcho("", async (_, file) => {
    const { stdout, stderr } = await runTool("curl", ["-sS", "--unix-socket", file, "http://localhost/"]);
    assertStringIncludes(stdout, "426 Upgrade Required", stderr);
  });
});
