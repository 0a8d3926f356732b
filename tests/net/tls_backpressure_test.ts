import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClosedError, TimeoutError } from "../../src/base/errors.ts";
import { connect, listen } from "../../src/factory.ts";
import type { Connection } from "../../src/net/connection.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { TestAuthority } from "../support/certificates.ts";

const authority = await TestAuthority.create();
const good = await authority.issue();
const CHUNK = new Uint8Array(256 * 1024).fill(0x78);
/** More than the kernel holds for both sides of a connection on any system. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Both ends of a TLS connection, each of which gives a write up after a while. */
async function pair(writeTimeout = "300ms"): Promise<{ server: Connection; client: Connection } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const listener = stack.use(await listen("tls://127.0.0.1:0", { tls: good, writeTimeout }));
  const accepting = listener.accept();
  const options = { tls: { ca: authority.cert }, writeTimeout };
  const [client, server] = await Promise.all([
    connect(formatEndpoint(listener.endpoint), options),
    accepting.then(async (accepted) => {
      assert(accepted);
      stack.use(accepted);
      await accepted.handshake();
      return accepted;
    }),
  ]);
  stack.use(client);
  const owner = stack.move();
  return { server, client, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Writes until the connection gives up. */
async function flood(connection: Connection): Promise<void> {
  while (connection.bytesWritten < MAX_BYTES) await connection.write(CHUNK);
}

Deno.test("write() over TLS waits for a client that does not read", async () => {
  await using ends = await pair();
  const error = await assertRejects(() => flood(ends.server), TimeoutError);
  assertEquals(error.phase, "write");
});

Deno.test("write() over TLS waits for a server that does not read", async () => {
  await using ends = await pair();
  const error = await assertRejects(() => flood(ends.client), TimeoutError);
  assertEquals(error.phase, "write");
});

Deno.test("read() over TLS returns everything written by a peer that had to wait", async () => {
  await using ends = await pair("60s");
  const { server, client } = ends;
  const size = 8 * 1024 * 1024;
  const write = async () => {
    for (let sent = 0; sent < size; sent += CHUNK.length) await server.write(CHUNK);
    await server.closeWrite();
  };
  const read = async () => {
    let received = 0;
    for (let bytes = await client.read(); bytes; bytes = await client.read()) {
      received += bytes.length;
      assert(bytes.every((byte) => byte === 0x78));
    }
    return received;
  };
  const [received] = await Promise.all([read(), write()]);
  assertEquals(received, size);
});

Deno.test("write() over TLS that waits ends when its own side closes the connection", async () => {
  await using ends = await pair();
  const { server } = ends;
  const writing = assertRejects(() => flood(server), ClosedError);
  while (server.queuedBytes === 0 || server.bytesWritten === 0) await nextTurn();
  server.close();
  await writing;
});
