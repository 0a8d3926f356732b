import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { concat, utf8 } from "../../src/base/bytes.ts";
import { ResetError, TlsError } from "../../src/base/errors.ts";
import { connect, listen } from "../../src/factory.ts";
import type { Layer } from "../../src/net/layer.ts";
import { ResettableAcceptor } from "../../src/net/resettable_acceptor.ts";
import type { Transport } from "../../src/net/transport.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { TlsServerContext } from "../../src/net/layers/tls_server.ts";
import { TestAuthority } from "../support/certificates.ts";
import { withinTime } from "../support/give_back.ts";
import { wrapAccepted } from "../support/wrap_accepted.ts";

const authority = await TestAuthority.create();
const pair = await authority.issue();

/** The transport of an accepted connection, and its client, which reports an end without the closure alert. */
async function accept() {
  const acceptor = await ResettableAcceptor.listen({ host: "127.0.0.1", port: 0, backlog: 1 });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.addr.port });
  const starting = Deno.startTls(conn, { hostname: "localhost", caCerts: [authority.cert] });
  const { transport } = await wrapAccepted(new TlsServerContext(pair), await acceptor.accept());
  acceptor.close();
  const client = await starting;
  await client.handshake();
  return {
    transport,
    client,
    [Symbol.dispose]() {
      transport.close();
      client.close();
    },
  };
}

/** Whether the promise is still pending after many turns of the event loop. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void promise.then(() => isSettled = true);
  for (let turn = 0; turn < 100 && !isSettled; turn++) await nextTurn();
  return !isSettled;
}

async function countToEnd(conn: Deno.TlsConn): Promise<number> {
  const space = new Uint8Array(65_536);
  let total = 0;
  for (let count = await conn.read(space); count !== null; count = await conn.read(space)) total += count;
  return total;
}

Deno.test("closeWrite() over TLS waits until the alert is sent to a client that has ended and reads late", async () => {
  using ends = await accept();
  const { transport, client } = ends;
  await client.closeWrite();
  assertEquals(await transport.read(new Uint8Array(10)), null);
  const chunk = new Uint8Array(65_536);
  let sent = 0;
  let writing: Promise<number>;
  for (;;) {
    writing = transport.write(chunk).then((count) => sent += count);
    if (await isPending(writing)) break;
    assertGreater(sent, 0, "nothing is written");
  }
  const ending = transport.closeWrite();
  assert(await isPending(ending), "the kernel has no room for the alert");
  const reading = countToEnd(client);
  await withinTime(Promise.all([writing, ending]), "the alert");
  transport.close();
  assertEquals(await withinTime(reading, "the end"), sent);
});

Deno.test("write() over TLS takes 32 KiB at once (MAX_WRITE_BYTES)", async () => {
  using ends = await accept();
  assertEquals(await ends.transport.write(new Uint8Array(100_000)), 32_768);
});

Deno.test("listen() with TLS starts the handshake with what a layer below has received, but not read", async () => {
  const greeting = utf8("hello\n");
  const greets: Layer = {
    name: "greeting",
    wrap(inner) {
      let isFirst = true;
      const write = async (bytes: Uint8Array) => {
        if (!isFirst) return await inner.write(bytes);
        isFirst = false;
        return await inner.write(concat([greeting, bytes])) - greeting.length;
      };
      return Promise.resolve({
        transport: {
          write,
          read: (bytes) => inner.read(bytes),
          closeWrite: () => inner.closeWrite(),
          close: () => inner.close(),
        },
      });
    },
  };
  const isGreeted: Layer = {
    name: "greeting",
    async wrap(inner) {
      for (const byte of greeting) {
        const one = new Uint8Array(1);
        await inner.read(one);
        assertEquals(one[0], byte);
      }
      return { transport: inner };
    },
  };
  using listener = await listen("tls://127.0.0.1:0", { tls: pair, layers: [isGreeted] });
  const accepting = listener.accept();
  const handshake = accepting.then((connection) => connection?.handshake());
  await using client = await connect(listener.endpoint, { tls: { ca: authority.cert }, layers: [greets] });
  await using server = await accepting;
  await handshake;
  await client.write("hi");
  assertEquals(await server?.read(), utf8("hi"));
});

Deno.test("read() of an accepted connection over TLS throws when a record is corrupt", async () => {
  let below: Transport | undefined;
  const isTapped: Layer = {
    name: "tap",
    wrap(inner) {
      below = inner;
      return Promise.resolve({ transport: inner });
    },
  };
  using listener = await listen("tls://127.0.0.1:0", { tls: pair });
  const accepting = listener.accept();
  const handshake = accepting.then((connection) => connection?.handshake());
  await using _client = await connect(listener.endpoint, { tls: { ca: authority.cert }, layers: [isTapped] });
  await using server = await accepting;
  await handshake;
  await below?.write(Uint8Array.of(0x17, 3, 3, 0, 20, ...new Uint8Array(20)));
  await assertRejects(async () => await server?.read({ timeout: "10s" }), TlsError);
  assertEquals(server?.closeReason, "error");
});

Deno.test("handshake() over TLS rejects with a reset when the client resets", async () => {
  using listener = await listen("tls://127.0.0.1:0", { tls: pair });
  const accepting = listener.accept();
  const { port } = listener.endpoint;
  await using client = await connect(`tcp://127.0.0.1:${port}`, { canReset: true });
  await using server = await accepting;
  const handshake = assertRejects(async () => await server?.handshake(), ResetError);
  await client.write(Uint8Array.of(0x16, 3, 1));
  client.reset();
  await handshake;
});

Deno.test({
  name: "listen() with TLS turns keepalive on for accepted connections",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = await listen("tls://127.0.0.1:0", { tls: pair });
    const accepting = listener.accept();
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.endpoint.port });
    await using _server = await accepting;
    const hex = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const ends = `${hex(listener.endpoint.port)} ${hex(client.localAddr.port)}`;
    const line = (await Deno.readTextFile("/proc/net/tcp")).split("\n").find((line) => line.includes(ends));
    // The kind of the timer that runs (proc_net_tcp.rst in the kernel's documentation).
    assertEquals(line?.trim().split(/\s+/)[5]?.slice(0, 2), "02");
  },
});
