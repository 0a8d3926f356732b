import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { randomBelow } from "../support/random.ts";

const MEGABYTE = 1_000_000;

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const random = randomBelow(7);
  return new Uint8Array(length).map(() => random(256));
}

Deno.test("10 MB through echo return unchanged, including the last bytes", async () => {
  await using started = await startServer(["echo", ":0"]);
  const sent = randomBytes(10 * MEGABYTE);
  using conn = await dial(started.endpoint);
  const [received] = await Promise.all([
    readToEnd(conn),
    writeAll(conn, sent).then(() => conn.closeWrite()),
  ]);
  assertEquals(received.length, sent.length);
  assert(await digest(received) === await digest(sent));
});

Deno.test("echo answers each of 100 clients with its own bytes", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line"]);
  await Promise.all(Array.from({ length: 100 }, async (_, index) => {
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    for (let round = 0; round < 10; round++) {
      await peer.send(`client ${index} round ${round}`);
      assertEquals(await peer.line(), `client ${index} round ${round}`);
    }
  }));
});

Deno.test("echo --prefix numbers its clients", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--prefix", "[echo #{id}] ", "--upper"]);
  for (const id of [1, 2, 3]) {
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    await peer.send("hello");
    assertEquals(await peer.line(), `[echo #${id}] HELLO`);
  }
});

Deno.test("a message larger than one read and several in one read arrive whole", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "length:4be"]);
  using conn = await dial(started.endpoint);
  const large = randomBytes(MEGABYTE);
  const small = [Uint8Array.of(0, 0, 0, 1, 65), Uint8Array.of(0, 0, 0, 2, 66, 67), Uint8Array.of(0, 0, 0, 1, 68)];
  const sent = new Uint8Array(await new Blob([prefixed(large), ...small]).arrayBuffer());
  const [received] = await Promise.all([readToEnd(conn), writeAll(conn, sent).then(() => conn.closeWrite())]);
  assert(await digest(received) === await digest(sent));
});

Deno.test("a stream that ends inside a message is logged with the received and expected bytes", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "length:4be", "--exit-after", "1"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, Uint8Array.of(0, 0, 0, 100, 1, 2, 3));
  await conn.closeWrite();
  assertEquals(await readToEnd(conn), new Uint8Array(0));
  await started.server.errorLine(/3 of 100 bytes received/);
  assertEquals((await started.server.outcome()).code, 0);
});

function prefixed(message: Uint8Array<ArrayBuffer>): Blob {
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, message.length);
  return new Blob([length.buffer, message]);
}

async function digest(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex();
}

Deno.test("a TLS client on a plain port is logged once (fault 36)", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--exit-after", "1"]);
  using client = await dial(started.endpoint);
  await writeAll(client, Uint8Array.of(0x16, 3, 1, 0, 0));
  await readToEnd(client);
  client.close();
  const { stderr } = await started.server.outcome();
  assertEquals(stderr.split("\n").filter((line) => line.includes("Received a TLS handshake")).length, 1, stderr);
});

Deno.test({
  name: "a server on the wildcard addresses of IPv6 and IPv4 reports that the first covers the other (fault 31)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const port = closedPort();
    const words = ["echo", `tcp://[::]:${port}`, `tcp://0.0.0.0:${port}`];
    const { code, stderr } = await runProgram("server", words);
    assertEquals(code, 8);
    assertStringIncludes(stderr, "address already in use (listen on [::] only: it includes IPv4)");
  },
});
