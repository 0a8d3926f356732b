import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { connect, type Connection, listen, ParleyError, ResetError, Resetter } from "@parley/parley";
import { DescriptorFinder } from "../../../src/net/sockopt/find_descriptor.ts";
import { openLibc } from "../../../src/net/sockopt/libc.ts";
import { nextTurn } from "../../../src/net/wait.ts";
import { ipv6Test } from "../../support/tools.ts";

const ignore = Deno.build.os !== "linux";

function linuxTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

function linuxIpv6Test(name: string, fn: () => Promise<void>): void {
  ipv6Test(name, fn, { ignore });
}

function open(): Resetter {
  const resetter = Resetter.open();
  if (resetter === undefined) throw new Error("the C library cannot be opened");
  return resetter;
}

async function accepted(accepting: Promise<Connection | null>): Promise<Connection> {
  const connection = await accepting;
  if (connection === null) throw new Error("nothing was accepted");
  return connection;
}

for (const [host, to] of [["127.0.0.1", "127.0.0.1"], ["[::1]", "[::1]"], ["[::]", "127.0.0.1"]] as const) {
  const test = host === "[::1]" ? linuxIpv6Test : linuxTest;
  test(
    `Resetter resets both ends of a connection from ${to} to ${host}, with unread data`,
    async () => {
      using resetter = open();
      using listener = await listen(`tcp://${host}:0`, { canReset: resetter });
      const { endpoint } = listener;
      if (!("port" in endpoint)) throw new Error("no port");
      for (const side of ["client", "served"] as const) {
        await using client = await connect(`tcp://${to}:${endpoint.port}`, { canReset: resetter });
        await using served = await accepted(listener.accept());
        await client.write("unread");
        await served.write("unread");
        const [own, peer] = side === "client" ? [client, served] : [served, client];
        assertEquals(own.reset(), true);
        await assertRejects(async () => {
          while (await peer.read() !== null);
        }, ResetError);
        // The peer has none any more that could see one.
        assertEquals(peer.reset(), false);
      }
    },
  );
}

linuxTest("Resetter does not touch a socket that reuses the descriptor of a closed one", async () => {
  using resetter = open();
  using listener = await listen("tcp://127.0.0.1:0");
  const { endpoint } = listener;
  if (!("port" in endpoint)) throw new Error("no port");
  const guess = resetter.guess();
  const first = resetter.adopt(await Deno.connect({ hostname: "127.0.0.1", port: endpoint.port }), guess);
  await using servedFirst = await accepted(listener.accept());
  first.close();
  await using second = await connect(endpoint);
  await using served = await accepted(listener.accept());
  assertEquals([first.reset(), resetter.disconnect(first)], [false, false]);
  await second.write("still there");
  assertEquals(new TextDecoder().decode(await served.read() ?? undefined), "still there");
  assertEquals(await servedFirst.read(), null);
});

linuxTest(
  "DescriptorFinder.expect() finds a socket without a guess, and searches little for one that was reset",
  async () => {
    using libc = openLibc();
    let calls = 0;
    /** What the kernel would assign next, in place of what the other tests of this process leave free. */
    let lowest = -1;
    const { getsockname, dup, close } = libc.calls;
    const finder = new DescriptorFinder({
      calls: {
        ...libc.calls,
        getsockname: (...args: Parameters<typeof getsockname>) => (calls++, getsockname(...args)),
        dup: (fd: number) => lowest === -1 ? dup(fd) : lowest,
        close: (fd: number) => fd === lowest ? 0 : close(fd),
      },
      [Symbol.dispose]: () => {},
    });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const endsOf = ({ localAddr, remoteAddr }: Deno.TcpConn) => {
      const [local, remote] = [localAddr, remoteAddr].map(({ hostname, port }) =>
        ({ scheme: "tcp", host: hostname, port, path: "/" }) as const
      );
      if (local === undefined) throw new Error("no address");
      return { local, remote };
    };
    // The listener, which has the address of the accepted socket, comes first, and the socket long after it.
    using others = new DisposableStack();
    for (let count = 0; count < 40; count++) others.use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    await using _kept = await connect(`tcp://127.0.0.1:${listener.addr.port}`);
    using servedKept = await listener.accept();
    const ends = endsOf(servedKept);
    finder.expect(ends, -1);
    assert(finder.find(ends) > 2);
    const client = await connect(`tcp://127.0.0.1:${listener.addr.port}`, { canReset: true });
    using served = await listener.accept();
    const fd = new DescriptorFinder(libc).find(endsOf(served));
    client.reset();
    await assertRejects(() => served.read(new Uint8Array(1)));
    calls = 0;
    const dead = endsOf(served);
    finder.expect(dead, -1);
    // The guess, then MAX_EXAMINED of the newest and of the freed ones, each of which is asked twice at most.
    assertLess(calls, 1 + 2 * (2 * 64) + 1);
    // As the newest it is recognized, and not searched for.
    lowest = fd + 1;
    finder.expect(dead, -1);
    calls = 0;
    assertThrows(() => finder.find(dead), ParleyError, "no descriptor has these addresses");
    assertEquals(calls, 1);
    finder.forget(ends);
    await nextTurn();
  },
);

Deno.test({
  name: "Resetter.open() returns nothing without the permission, and does not prompt",
  permissions: { ffi: false, net: false },
  fn() {
    assertEquals(Resetter.open(), undefined);
  },
});
