import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertNotEquals, assertThrows } from "@std/assert";
import { bind, connect, type Connection, listen, type Listener, ParleyError } from "@parley/parley";
import { getSocketOptions, openSocketOptions, setSocketOptions } from "../../../src/net/sockopt/socket_options.ts";
import { DescriptorFinder } from "../../../src/net/sockopt/find_descriptor.ts";
import { openLibc } from "../../../src/net/sockopt/libc.ts";
import { parseEndpoint } from "../../../src/net/endpoint.ts";
import { toolTest } from "../../support/tools.ts";

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "setSocketOptions() sets what getSocketOptions() reads back, on both ends of a connection",
  ignore,
  async fn() {
    using listener = await listen("tcp://127.0.0.1:0");
    await using client = await connect(listener.endpoint);
    await using served = await listener.accept();
    if (!served) throw new Error("nothing was accepted");
    setSocketOptions(client, {
      receiveBuffer: 65_536,
      sendBuffer: 32_768,
      keepAlive: { idle: 60, interval: 10, count: 5 },
      linger: 3,
    });
    const set = getSocketOptions(client);
    assertGreaterOrEqual(set.receiveBuffer ?? 0, 65_536);
    assertGreaterOrEqual(set.sendBuffer ?? 0, 32_768);
    assertEquals(set.keepAlive, { idle: 60, interval: 10, count: 5 });
    assertEquals(set.linger, 3);
    assertEquals(set.noDelay, true);
    const untouched = getSocketOptions(served);
    // An accepted connection has keep-alive on, with the system's times.
    assertNotEquals(untouched.keepAlive, false);
    assertNotEquals(untouched.keepAlive, set.keepAlive);
    assertEquals(untouched.linger, false);
    setSocketOptions(client, { keepAlive: false, linger: false });
    assertEquals(getSocketOptions(client).keepAlive, false);
    assertEquals(getSocketOptions(client).linger, false);
  },
});

Deno.test({
  name: "setSocketOptions() sets Linux's user timeout, congestion control and type of service",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = await listen("tcp://127.0.0.1:0");
    await using client = await connect(listener.endpoint);
    await using _served = await listener.accept();
    const { congestion } = getSocketOptions(client);
    setSocketOptions(client, { userTimeout: 30_000, typeOfService: 0x10, congestion });
    const set = getSocketOptions(client);
    assertEquals(set.userTimeout, 30_000);
    assertEquals(set.typeOfService, 0x10);
    assertEquals(set.congestion, congestion);
  },
});

Deno.test({
  name: "tcpInfo() returns the round-trip time of a used connection",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = await listen("tcp://127.0.0.1:0");
    await using client = await connect(listener.endpoint);
    await using served = await listener.accept();
    await client.write(Uint8Array.of(1));
    await served?.read();
    using access = openSocketOptions();
    const info = access.tcpInfo(client);
    assertGreater(info?.sendSegmentBytes ?? 0, 0);
  },
});

Deno.test({
  name: "getSocketOptions() reads a datagram socket",
  ignore,
  async fn() {
    await using socket = await bind("udp://127.0.0.1:0");
    setSocketOptions(socket, { receiveBuffer: 65_536 });
    const options = getSocketOptions(socket);
    assertGreaterOrEqual(options.receiveBuffer ?? 0, 65_536);
    assertEquals(options.noDelay, undefined);
  },
});

Deno.test({
  name: "setSocketOptions() throws when the kernel rejects a value",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = await listen("tcp://127.0.0.1:0");
    await using client = await connect(listener.endpoint);
    await using _served = await listener.accept();
    assertThrows(() => setSocketOptions(client, { congestion: "no-such" }), ParleyError, "the kernel rejected");
    assertThrows(
      () => setSocketOptions(client, { keepAlive: { idle: -1, interval: 1, count: 1 } }),
      ParleyError,
      "keep-alive's idle time",
    );
  },
});

Deno.test({
  name: "DescriptorFinder does not guess: between identical Unix connections, and for a closed one",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/options.sock`;
    using listener = await listen(`unix:${path}`);
    await using first = await connect(`unix:${path}`);
    await using _servedFirst = await listener.accept();
    await using _second = await connect(`unix:${path}`);
    await using _servedSecond = await listener.accept();
    using libc = openLibc();
    assertThrows(() => new DescriptorFinder(libc).find(first), ParleyError, "descriptors have these addresses");
    const gone = {
      local: listener.endpoint,
      remote: { scheme: "tcp", host: "127.0.0.1", port: 1, path: "/" },
    } as const;
    assertThrows(() => new DescriptorFinder(libc).find(gone), ParleyError, "no descriptor has");
    listener.close();
    await Deno.remove(folder, { recursive: true });
  },
});

type Space = AllowSharedBufferSource | null;

const noCall = () => -1;
const missingCalls = { getsockopt: noCall, setsockopt: noCall, connect: noCall, dup: noCall, close: noCall };

/** A kernel with connections alone, because other tests of this process open descriptors too. */
class FakeKernel {
  /** The ports of both ends, by descriptor. */
  readonly #open: (readonly [local: number, remote: number] | undefined)[] = [];
  #ports = 10_000;
  /** Descriptors that were examined. */
  examined = 0;

  readonly libc = {
    calls: {
      ...missingCalls,
      getsockname: (fd: number, address: Space, length: Space) => {
        this.examined++;
        return writeAddress(this.#open[fd]?.[0], address, length);
      },
      getpeername: (fd: number, address: Space, length: Space) => writeAddress(this.#open[fd]?.[1], address, length),
      getdtablesize: () => 20_000,
    },
    [Symbol.dispose]() {},
  };

  /** A new connection gets the lowest free descriptor. */
  connect() {
    const [local, remote] = [this.#ports++, this.#ports++];
    const free = this.#open.indexOf(undefined);
    const fd = free === -1 ? this.#open.length : free;
    this.#open[fd] = [local, remote];
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const end = (port: number) => parseEndpoint(`tcp://127.0.0.1:${port}`);
    const close = () => {
      this.#open[fd] = undefined;
      resolve();
    };
    return { fd, close, local: end(local), remote: end(remote), closed };
  }
}

/** Writes a `struct sockaddr_in` of loopback. */
function writeAddress(
  port: number | undefined,
  address: Space,
  length: Space,
): number {
  if (port === undefined || !(address instanceof Uint8Array) || !(length instanceof Uint8Array)) return -1;
  const family = Deno.build.os === "darwin" ? [16, 2] : [2, 0];
  address.set([...family, port >> 8, port & 0xff, 127, 0, 0, 1]);
  new DataView(length.buffer).setUint32(0, 16, true);
  return 0;
}

Deno.test("DescriptorFinder examines few descriptors for a new connection among many (fault 29)", async () => {
  const kernel = new FakeKernel();
  const finder = new DescriptorFinder(kernel.libc);
  for (let count = 0; count < 200; count++) {
    const socket = kernel.connect();
    kernel.examined = 0;
    assertEquals(finder.find(socket), socket.fd);
    if (count > 0) assertEquals(kernel.examined, 1);
  }
  for (let round = 0; round < 5; round++) {
    // The descriptor of a connection that was closed is the next one's.
    const closing = kernel.connect();
    finder.find(closing);
    closing.close();
    await closing.closed;
    const socket = kernel.connect();
    assertEquals(socket.fd, closing.fd);
    kernel.examined = 0;
    assertEquals(finder.find(socket), socket.fd);
    assert(kernel.examined <= 2, `${kernel.examined}`);
  }
});

Deno.test("DescriptorFinder finds a connection that is far from all others", () => {
  const kernel = new FakeKernel();
  const finder = new DescriptorFinder(kernel.libc);
  finder.find(kernel.connect());
  // In use by something else.
  for (let count = 0; count < 100; count++) kernel.connect();
  const socket = kernel.connect();
  assertEquals(finder.find(socket), socket.fd);
});

Deno.test({
  name: "DescriptorFinder distinguishes the connections of a Unix listener as they are accepted (fault 20)",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    using listener = await listen(`unix:${folder}/s`);
    using libc = openLibc();
    const finder = new DescriptorFinder(libc);
    await using stack = new AsyncDisposableStack();
    const found = new Set<number>();
    for (let count = 0; count < 3; count++) {
      stack.use(await connect(listener.endpoint));
      const served = stack.use(await accepted(listener));
      const ends = { local: served.local, remote: served.remote, closed: served.closed, isAccepted: true };
      found.add(finder.find(ends));
    }
    assertEquals(found.size, 3);
    listener.close();
    await Deno.remove(folder, { recursive: true });
  },
});

async function accepted(listener: Listener): Promise<Connection> {
  const connection = await listener.accept();
  if (connection === null) throw new Error("nothing was accepted");
  return connection;
}

toolTest("ss", "getSocketOptions() agrees with ss about the receive buffer", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  await using client = await connect(listener.endpoint);
  await using _served = await listener.accept();
  setSocketOptions(client, { receiveBuffer: 40_000 });
  const { stdout } = await new Deno.Command("ss", { args: ["-tmn"] }).output();
  const port = client.local.port ?? 0;
  const lines = new TextDecoder().decode(stdout).split("\n");
  const at = lines.findIndex((line) => new RegExp(`127\\.0\\.0\\.1:${port}\\s+127`).test(line));
  const shown = /rb(\d+)/.exec(lines.slice(at, at + 2).join(" "))?.[1];
  assertEquals(getSocketOptions(client).receiveBuffer, Number(shown));
});
