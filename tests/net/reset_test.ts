import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  type Connection,
  getSocketOptions,
  listen,
  type ListenOptions,
  ResetError,
  setSocketOptions,
  UsageError,
} from "@parley/parley";
import { TestAuthority } from "../support/certificates.ts";

const authority = await TestAuthority.create();
const pair = await authority.issue();

/** Both ends of a connection, opened with these options on either side. */
async function ends(
  scheme: "tcp" | "tls",
  options: { client?: ListenOptions; server?: ListenOptions } = {},
): Promise<{ client: Connection; server: Connection } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const tls = scheme === "tls" ? { tls: pair } : {};
  const listener = stack.use(await listen(`${scheme}://127.0.0.1:0`, { ...options.server, ...tls }));
  const accepting = listener.accept();
  const { client: clientOptions = {} } = options;
  const handshake = accepting.then((connection) => connection?.handshake());
  const client = stack.use(
    await connect(
      listener.endpoint,
      { ...clientOptions, tls: { ca: authority.cert } } as Parameters<typeof connect>[1],
    ),
  );
  const server = await accepting;
  await handshake;
  if (server === null) throw new Error("nothing was accepted");
  stack.use(server);
  const all = stack.move();
  return { client, server, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

for (const scheme of ["tcp", "tls"] as const) {
  Deno.test(`reset() of a client over ${scheme} is a reset to the server, also while it reads (fault 39)`, async () => {
    await using both = await ends(scheme, { client: { canReset: true } });
    const reading = both.server.read();
    assertEquals([both.client.reset(), both.client.closeReason], [true, "reset"]);
    await assertRejects(() => reading, ResetError);
    assertEquals(both.server.closeReason, "reset");
  });

  Deno.test(`reset() of an accepted connection over ${scheme} is a reset to the client (fault 39)`, async () => {
    await using both = await ends(scheme, { server: { canReset: true } });
    const reading = both.client.read();
    assertEquals(both.server.reset("kicked"), true);
    await assertRejects(() => reading, ResetError);
    assertEquals([both.server.closeReason, both.client.closeReason], ["kicked", "reset"]);
  });
}

Deno.test("a connection that can be reset sends each write at once (TCP_NODELAY)", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using both = await ends("tcp", { client: { canReset: true }, server: { canReset: true } });
  assertEquals([both.client, both.server].map((end) => getSocketOptions(end).noDelay), [true, true]);
});

Deno.test("reset() drops queued data, and resets once (fault 39)", async () => {
  await using both = await ends("tcp", { client: { canReset: true } });
  both.client.send(new Uint8Array(1_000));
  assertEquals([both.client.reset(), both.client.reset(), both.client.queuedBytes], [true, false, 0]);
  await assertRejects(() => both.server.read(), ResetError);
});

Deno.test("reset() resets a connection whose peer has ended its side (fault 39)", async () => {
  await using both = await ends("tcp", { client: { canReset: true } });
  await both.server.closeWrite();
  assertEquals(await both.client.read(), null);
  const reading = both.server.read();
  both.client.reset();
  await assertRejects(() => reading, ResetError);
});

Deno.test("reset() without canReset reports that it was not a reset, and the peer reads the end (fault 39)", async () => {
  await using both = await ends("tcp");
  assertEquals([both.client.reset(), both.client.closeReason], [false, "reset"]);
  assertEquals(await both.server.read(), null);
});

for (const side of ["client", "server"] as const) {
  Deno.test(`linger 0 of a ${side} makes its close a reset, without --allow-ffi (fault 39)`, async () => {
    const options = { socketOptions: { linger: 0 } };
    await using both = await ends("tcp", { [side]: options });
    const reading = both[side === "client" ? "server" : "client"].read();
    both[side].close();
    await assertRejects(() => reading, ResetError);
  });
}

Deno.test({
  name: "setSocketOptions() rejects linger 0 on an open connection, which would not reset (fault 39)",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using both = await ends("tcp");
    assertThrows(() => setSocketOptions(both.client, { linger: 0 }), UsageError, "option of connect()");
  },
});

Deno.test("a connection that can be reset carries bytes and ends as any other (fault 39)", async () => {
  await using both = await ends("tcp", { client: { canReset: true }, server: { canReset: true } });
  const { client, server } = both;
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const sending = (async () => {
    for (let round = 0; round < 20; round++) await client.write(bytes);
    await client.closeWrite();
  })();
  let count = 0;
  for (let read = await server.read(); read; read = await server.read()) count += read.length;
  await sending;
  assertEquals(count, 20 * bytes.length);
  await server.write(Uint8Array.of(1));
  await server.closeWrite();
  assertEquals([await client.read(), await client.read()], [Uint8Array.of(1), null]);
});
