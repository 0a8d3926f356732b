/** Our client with the servers of others, and their clients with our server. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { delay } from "../../src/net/wait.ts";
import { TestAuthority } from "../support/certificates.ts";
import { TOOL_CLIENTS, TOOL_SERVERS, type ToolServer, wsModulePath } from "../support/interop_tools.ts";
import { closedPort } from "../support/ports.ts";
import { runProgram, startProgram, startServer } from "../support/in_process.ts";
import { startTool } from "../support/running_tool.ts";
import { runTool, toolTest } from "../support/tools.ts";

const LINES = Array.from({ length: 2_000 }, (_, index) => `line ${index} ${"x".repeat(index % 50)}`);
const TEXT = LINES.map((line) => `${line}\n`).join("");

/** A folder with the certificates of a server for 127.0.0.1. */
async function makeFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  const authority = await TestAuthority.create();
  const pair = await authority.issue({ hosts: ["localhost", "127.0.0.1"] });
  await Deno.writeTextFile(`${path}/ca.pem`, authority.cert);
  await Deno.writeTextFile(`${path}/cert.pem`, pair.cert);
  await Deno.writeTextFile(`${path}/key.pem`, pair.key);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function startToolServer(server: ToolServer, folder: string) {
  const port = closedPort();
  const [name = "", ...args] = server.words({ port, folder, wsModule: wsModulePath() });
  const tool = startTool(name, args);
  const chosen = server.printsPort ? Number(await tool.line()) : port;
  const endpoint = `${server.scheme}://127.0.0.1:${chosen}`;
  const wait = await runProgram("client", ["check", "--wait", "20s", endpoint.replace(/^\w+:/, "tcp:")]);
  assertEquals(wait.code, 0, wait.stdout);
  return { endpoint, [Symbol.asyncDispose]: () => tool[Symbol.asyncDispose]() };
}

for (const server of TOOL_SERVERS) {
  const { name, tool, scheme, reply = (line: string) => line } = server;

  toolTest(tool, `connect sends lines to ${name} and prints each reply`, async () => {
    await using folder = await makeFolder();
    await using running = await startToolServer(server, folder.path);
    const trust = scheme === "tls" ? ["--tls-ca", `${folder.path}/ca.pem`] : [];
    const args = ["connect", ...trust, "--wait-reply", "2s", running.endpoint];
    // Some take a while for each line, or keep only what has been answered.
    const lines = scheme === "tls" || server.losesRepliesAtEnd ? LINES.slice(0, 20) : LINES;
    await using program = startProgram("client", args);
    await program.type(lines.map((line) => `${line}\n`).join(""));
    if (server.losesRepliesAtEnd) { for (const _ of lines) await program.line(); }
    const { code, stdout, stderr } = await program.outcome();
    assertEquals(stdout.trimEnd().split("\n"), lines.map(reply));
    assertEquals(code, 0, stderr);
  });

  toolTest(tool, `send expects the reply of ${name}`, async () => {
    await using folder = await makeFolder();
    await using running = await startToolServer(server, folder.path);
    const trust = scheme === "tls" ? ["--tls-ca", `${folder.path}/ca.pem`] : [];
    const data = scheme === "ws" ? "hello" : "hello\\n";
    const args = ["send", ...trust, running.endpoint, data, "--expect", reply("hello"), "--timeout", "20s"];
    const { code, stderr } = await runProgram("client", args);
    assertEquals(code, 0, stderr);
  });
}

for (const client of TOOL_CLIENTS) {
  toolTest(client.tool, `echo answers ${client.name}`, async () => {
    await using folder = await makeFolder();
    const tls = client.scheme === "tls"
      ? ["--tls-cert", `${folder.path}/cert.pem`, "--tls-key", `${folder.path}/key.pem`]
      : [];
    await using echo = await startServer(["echo", `${client.scheme}://127.0.0.1:0`, ...tls]);
    const port = /:(\d+)\/?$/.exec(echo.endpoint)?.[1] ?? "";
    const [name = "", ...args] = client.words({ port, folder: folder.path, wsModule: wsModulePath() });
    const { code, stdout, stderr } = await runTool(name, args, { input: TEXT });
    assertEquals([stdout.length, code], [TEXT.length, 0], stderr);
    assert(stdout === TEXT);
  });
}

toolTest("openssl", "echo answers openssl s_client", async () => {
  await using folder = await makeFolder();
  const tls = ["--tls-cert", `${folder.path}/cert.pem`, "--tls-key", `${folder.path}/key.pem`];
  await using echo = await startServer(["echo", "tls://127.0.0.1:0", ...tls]);
  const address = echo.endpoint.replace("tls://", "");
  // It leaves at the end of its input without waiting for a reply, unless it is told not to: then it never does.
  const words = ["s_client", "-quiet", "-verify_return_error", "-CAfile", `${folder.path}/ca.pem`, "-connect", address];
  await using tool = startTool("sh", ["-c", `{ printf 'hello\\n'; sleep 30; } | openssl ${words.join(" ")}`]);
  assertStringIncludes(await tool.line(), "hello");
});

/** Sends, ends its side by the alert of TLS or by TCP alone, and fails unless the server's alert comes. */
const TLS_ENDS = `
import os, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
tcp = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
peer = context.wrap_socket(tcp, server_hostname="localhost", suppress_ragged_eofs=False)
peer.sendall(b"hello\\n")
assert peer.recv(100) == b"hello\\n"
if sys.argv[3] == "alert":
    peer.unwrap()
else:
    socket.socket(fileno=os.dup(peer.fileno())).shutdown(socket.SHUT_WR)
    assert peer.recv(100) == b""
`;

for (const end of ["alert", "tcp"]) {
  toolTest(
    "python3",
    `echo ends TLS with its closure alert after the client has ended by ${end} (RFC 8446, 6.1)`,
    async () => {
      await using folder = await makeFolder();
      const tls = ["--tls-cert", `${folder.path}/cert.pem`, "--tls-key", `${folder.path}/key.pem`];
      await using echo = await startServer(["echo", "tls://127.0.0.1:0", ...tls]);
      const port = /:(\d+)$/.exec(echo.endpoint)?.[1] ?? "";
      const { code, stderr } = await runTool("python3", ["-c", TLS_ENDS, port, `${folder.path}/ca.pem`, end]);
      assertEquals(code, 0, stderr);
    },
  );
}

toolTest("nc", "connect keeps sending to nc -l after nc has ended its own side", async () => {
  const port = closedPort();
  await using tool = startTool("sh", ["-c", `printf 'from nc\\n' | nc -N -l 127.0.0.1 ${port}`]);
  // It serves one connection only: a check that it listens would be that one.
  for (const endMs = performance.now() + 20_000;;) {
    await using program = startProgram("client", ["connect", `:${port}`]);
    const line = await program.line().catch(() => undefined);
    if (line === undefined && performance.now() < endMs) {
      assertEquals(await program.exitCode(), 4);
      await delay(20);
      continue;
    }
    // nc -l ends with its client, and without what it has not read of its input by then.
    assertEquals(line, "from nc");
    await program.type("from us\n");
    assertEquals((await program.outcome()).code, 0);
    break;
  }
  assertEquals(await tool.line(), "from us");
});
