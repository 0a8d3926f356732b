import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BindError,
  connect,
  type HostEndpoint,
  isReachable,
  listen,
  Listener,
  Logger,
  parseEndpoint,
  RefusedError,
  resolve,
  ResolveError,
  TimeoutError,
} from "@parley/parley";
import { type Endpoint, formatEndpoint } from "../../src/net/endpoint.ts";
import { type Accepted, mergeAcceptors } from "../../src/net/listener.ts";
import type { SocketOptionApplier } from "../../src/net/sockopt/socket_option_applier.ts";
import { FakeTransport } from "../support/fake_transport.ts";
import { closedPort, whenClosed } from "../support/ports.ts";
import { ipv6Test } from "../support/tools.ts";

const text = (bytes: Uint8Array | null | undefined) => new TextDecoder().decode(bytes ?? undefined);

for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
  const test = host === "[::1]" ? ipv6Test : Deno.test;
  test(`listen() and connect() meet on ${host}`, async () => {
    using listener = await listen(`tcp://${host}:0`);
    const { port } = listener.endpoint as HostEndpoint;
    assert(port > 0);
    await using client = await connect(`tcp://${host}:${port}`);
    await using served = await listener.accept();
    await client.write(new TextEncoder().encode("ping"));
    assertEquals(text(await served?.read()), "ping");
    await client.closeWrite();
    assertEquals(await served?.read(), null);
    await served?.write(new TextEncoder().encode("late reply"));
    assertEquals(text(await client.read()), "late reply");
  });
}

/** The timers of the kernel's TCP connections from one port to another, proc_net_tcp(5); 02 is keep-alive. */
async function timersOf(local: number, remote: number): Promise<string[]> {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const rows = (await Deno.readTextFile("/proc/net/tcp")).split("\n").map((row) => row.trim().split(/\s+/));
  return rows.filter(([, from, to]) => from?.endsWith(`:${hex(local)}`) && to?.endsWith(`:${hex(remote)}`))
    .map((row) => row[5]?.slice(0, 2) ?? "");
}

Deno.test({
  name: "listen() turns on the kernel's keep-alive for accepted connections (chat M8)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = await listen("tcp://127.0.0.1:0");
    await using client = await connect(listener.endpoint);
    await using served = await listener.accept();
    assert(served !== null);
    const { port } = listener.endpoint as HostEndpoint;
    assertEquals(await timersOf(port, (client.local as HostEndpoint).port), ["02"]);
  },
});

Deno.test("listen() reports an address that is in use", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  const error = await assertRejects(() => listen(listener.endpoint), BindError, "address already in use");
  assertEquals(error.reason, "in use");
});

Deno.test("listen() reports an address that is not local", async () => {
  // Reserved for documentation (RFC 5737).
  const error = await assertRejects(() => listen("tcp://192.0.2.1:0"), BindError);
  assertEquals(error.reason, "not available");
});

Deno.test("listen() binds again at once despite connections in TIME_WAIT", async () => {
  const port = closedPort();
  const listener = await listen(`tcp://127.0.0.1:${port}`);
  const { endpoint } = listener;
  {
    const client = await connect(endpoint);
    const served = await listener.accept();
    // The side that ends first is the one that waits.
    await served?.closeWrite();
    assertEquals(await client.read(), null);
    client.close();
    served?.close();
  }
  listener.close();
  await whenClosed(port);
  using again = await listen(endpoint);
  assertEquals(again.endpoint, endpoint);
});

Deno.test("accept() numbers connections and names their peers", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  await using first = await connect(listener.endpoint);
  await using a = await listener.accept();
  await using _second = await connect(listener.endpoint);
  await using b = await listener.accept();
  assertEquals([a?.id, b?.id], [1, 2]);
  assertEquals(a?.remote, first.local);
});

Deno.test("close() ends an accept that waits, and the iteration", async () => {
  const listener = await listen("tcp://127.0.0.1:0");
  const accepting = listener.accept();
  listener.close();
  assertEquals(await accepting, null);
  for await (const _ of listener) throw new Error("nobody can come");
});

Deno.test("accept() that fails leaves the listener usable, and closes the socket", async () => {
  let closed = 0;
  let round = 0;
  const listener = new Listener({
    accept() {
      if (round++ === 0) return Promise.reject(new Error("Too many open files (os error 24)"));
      return Promise.resolve({
        remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 9 } as const,
        setNoDelay() {
          if (round === 2) throw new Error("Invalid argument (os error 22)");
        },
        read: () => Promise.resolve(null),
        write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
        closeWrite: () => Promise.resolve(),
        close: () => void closed++,
      });
    },
    close() {},
  }, { endpoint: parseEndpoint("tcp://127.0.0.1:1"), log: Logger.of("test") });
  await assertRejects(() => listener.accept(), Error, "too many open files");
  await assertRejects(() => listener.accept(), Error, "invalid argument");
  assertEquals(closed, 1);
  await using served = await listener.accept();
  assertEquals(await served?.read(), null);
  listener.close();
});

Deno.test("connect() distinguishes refused, unresolved and aborted connections", async () => {
  const refused = await assertRejects(() => connect(`tcp://127.0.0.1:${closedPort()}`), RefusedError);
  assertEquals(refused.attempts.map(({ reason }) => reason), ["connection refused"]);
  await assertRejects(() => connect("tcp://no-such-host.invalid:80"), ResolveError);
  await assertRejects(() => connect("unix:/no/such.sock"), RefusedError, "Cannot connect to unix:/no/such.sock");
  await assertRejects(
    () => connect("tcp://127.0.0.1:1", { signal: AbortSignal.abort(new Error("enough")) }),
    Error,
    "enough",
  );
});

Deno.test("connect() times out at its deadline, and reports the phase", async () => {
  // A full backlog drops new connections, so a silent host is simulated without leaving this machine.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  await using fillers = new AsyncDisposableStack();
  const endpoint = `tcp://127.0.0.1:${listener.addr.port}`;
  for (let tries = 0; tries < 20; tries++) {
    try {
      fillers.use(await connect(endpoint, { connectTimeout: "300ms" }));
    } catch (error) {
      assert(error instanceof TimeoutError);
      assertEquals([error.phase, error.message], ["connect", `Cannot connect to ${endpoint}: no answer within 300ms`]);
      return;
    }
  }
  throw new Error("the backlog did not fill");
});

Deno.test("isReachable() is true for an open port, false for a closed one", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  assertEquals(await isReachable(listener.endpoint), true);
  assertEquals(await isReachable(`tcp://127.0.0.1:${closedPort()}`), false);
  assertEquals(await isReachable("tcp://no-such-host.invalid:80"), false);
  assertEquals(await isReachable("unix:/no/such.sock"), false);
  await assertRejects(() => isReachable("udp://127.0.0.1:1"), SyntaxError, "accepts no connections");
  await assertRejects(() => isReachable("nonsense"), SyntaxError);
});

Deno.test("Listener.accept() passes over a client that reset its connection before it was accepted", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  let calls = 0;
  const acceptor = {
    accept: () =>
      ++calls <= 2
        ? Promise.reject(calls === 1 ? new Deno.errors.NotConnected("gone") : new Deno.errors.ConnectionAborted("gone"))
        : Promise.reject(new Error("too many open files")),
    close() {},
  };
  using faulty = new Listener(acceptor, { endpoint: listener.endpoint, log: Logger.of("test") });
  await assertRejects(() => faulty.accept(), Error, "too many open files");
  assertEquals(calls, 3);
});

Deno.test("listen() on a name listens on each of its addresses, on one port (fault 30)", async () => {
  const addresses = await resolve("localhost");
  using listener = await listen("tcp://localhost:0");
  const { port } = listener.endpoint as { port: number };
  for (const round of [1, 2]) {
    for (const { address } of addresses) {
      const connecting = connect({ scheme: "tcp", host: address, port, path: "/" });
      await using served = await listener.accept();
      await using client = await connecting;
      await client.write(Uint8Array.of(round));
      assertEquals(await served?.read(), Uint8Array.of(round));
    }
  }
  const accepting = listener.accept();
  listener.close();
  assertEquals(await accepting, null);
});

Deno.test("mergeAcceptors() keeps connections to one address while another is served (fault 30)", async () => {
  using first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using second = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const merged = mergeAcceptors([first, second]);
  using _a = await Deno.connect({ port: first.addr.port });
  using _b = await Deno.connect({ port: second.addr.port });
  const ports = new Set<number>();
  for (let count = 0; count < 2; count++) {
    const conn = await merged.accept() as unknown as Deno.TcpConn;
    ports.add(conn.localAddr.port);
    conn.close();
  }
  assertEquals(ports, new Set([first.addr.port, second.addr.port]));
});

Deno.test("accept() turns Nagle off and keep-alive on, and passes both addresses to the option applier", async () => {
  const calls: unknown[] = [];
  const fake = new FakeTransport();
  const accepted: Accepted = Object.assign(fake, {
    remoteAddr: { transport: "tcp", hostname: "192.0.2.9", port: 9 } as const,
    localAddr: { transport: "tcp", hostname: "192.0.2.1", port: 1 } as const,
    setNoDelay: (isOn: boolean) => void calls.push(["no delay", isOn]),
    setKeepAlive: (isOn: boolean) => void calls.push(["keep alive", isOn]),
  });
  const optionApplier = {
    tryApply: ({ local, remote, isAccepted }: { local: Endpoint; remote: Endpoint; isAccepted: boolean }) =>
      void calls.push([formatEndpoint(local), formatEndpoint(remote), isAccepted]),
    [Symbol.dispose]: () => void calls.push("disposed"),
  } as unknown as SocketOptionApplier;
  const init = { endpoint: parseEndpoint("tls://0.0.0.0:1"), log: Logger.of("test"), optionApplier, nextId: () => 77 };
  const listener = new Listener(
    { accept: () => Promise.resolve(accepted), close: () => void calls.push("closed") },
    init,
  );
  const connection = await listener.accept();
  assertEquals([connection?.id, calls.splice(0)], [77, [
    ["no delay", true],
    ["keep alive", true],
    ["tls://192.0.2.1:1", "tls://192.0.2.9:9", true],
  ]]);
  connection?.close();
  listener.close();
  listener.close();
  assertEquals([calls, listener.isClosed, await listener.accept()], [["closed", "disposed"], true, null]);
});

Deno.test("mergeAcceptors() closes every acceptor, and accepted connections that were not taken", async () => {
  const waiting = [Promise.withResolvers<Accepted>(), Promise.withResolvers<Accepted>()];
  const closed: number[] = [];
  const merged = mergeAcceptors(
    waiting.map(({ promise }, at) => ({ accept: () => promise, close: () => void closed.push(at) })),
  );
  const transports = [new FakeTransport(), new FakeTransport()];
  const taken = merged.accept();
  for (const [at, { resolve }] of waiting.entries()) {
    resolve(
      Object.assign(transports[at] ?? new FakeTransport(), { remoteAddr: { transport: "unix", path: "" } as const }),
    );
  }
  await taken;
  merged.close();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([closed, transports.map(({ closeCount }) => closeCount)], [[0, 1], [0, 1]]);
});
