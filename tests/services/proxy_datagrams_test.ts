import { assertEquals } from "@std/assert";
import { bigEndian, concat, parseHex, utf8 } from "../../src/base/bytes.ts";
import { encodeSocksDatagram, parseSocksDatagram, parseSocksRequest } from "../../src/framing/socks.ts";
import { runProgram as run } from "../../src/cli/run_program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { startService } from "../../src/testing.ts";
import { formatEndpoint, formatHostPort } from "../../src/net/endpoint.ts";
import { resolve } from "../../src/net/resolve.ts";
import { FakeIo } from "../support/fake_io.ts";
import { withinTime } from "../support/give_back.ts";
import { startServer } from "../support/in_process.ts";
import { dial, writeAll } from "../support/peer.ts";
import { closedPort, portOf } from "../support/ports.ts";
import { RealServer } from "../support/real_server.ts";
import { runClient } from "../support/run_client.ts";
import { runTool, toolTest } from "../support/tools.ts";

async function runUdp(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = new FakeIo(() => Promise.resolve(null));
  const code = await run(udpProgram, args, io);
  return { code, stdout: io.out, stderr: io.err };
}

/** Echoes every datagram, and records its sender. */
function echoPeer(
  hostname = "127.0.0.1",
  answer = (bytes: Uint8Array) => bytes,
): { port: number; senders: Deno.NetAddr[] } & AsyncDisposable {
  const conn = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const senders: Deno.NetAddr[] = [];
  let isClosed = false;
  const serving = (async () => {
    for await (const [bytes, from] of conn) {
      senders.push(from as Deno.NetAddr);
      await conn.send(answer(bytes), from).catch((error: unknown) => {
        // Nobody waits for the echo of the last datagrams.
        if (!isClosed) throw error;
      });
    }
  })();
  return {
    port: (conn.addr as Deno.NetAddr).port,
    senders,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      conn.close();
      await serving;
    },
  };
}

/** A proxy in this process, and its URL. */
async function startProxy(...flags: string[]): Promise<{ url: string; endpoint: string } & AsyncDisposable> {
  const server = await startService("proxy", flags);
  const endpoint = formatEndpoint(server.endpoint);
  return {
    endpoint,
    url: endpoint.replace("tcp:", "socks5:"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A client of nothing but sockets, with an association. */
class RawClient implements Disposable {
  readonly conn: Deno.TcpConn;
  readonly socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly reply: number;
  readonly relay: Deno.NetAddr;

  private constructor(conn: Deno.TcpConn, reply: number, relay: Deno.NetAddr) {
    this.conn = conn;
    this.reply = reply;
    this.relay = relay;
  }

  static async open(endpoint: string): Promise<RawClient> {
    const conn = await dial(endpoint);
    await writeAll(conn, parseHex("050100 05030001 00000000 0000"));
    let bytes = new Uint8Array(0);
    for (;;) {
      const parsed = bytes.length > 2 ? parseSocksRequest(bytes.subarray(2)) : undefined;
      if (parsed) {
        const { host: hostname, port } = parsed.address;
        return new RawClient(conn, parsed.code, { transport: "udp", hostname, port });
      }
      const chunk = new Uint8Array(64);
      const count = await conn.read(chunk);
      if (count === null) throw new Error("the proxy closed the connection");
      bytes = concat([bytes, chunk.subarray(0, count)]);
    }
  }

  send(bytes: Uint8Array, socket = this.socket): Promise<number> {
    return socket.send(bytes, this.relay);
  }

  async receive(): Promise<string> {
    const [bytes] = await this.socket.receive();
    const parsed = parseSocksDatagram(bytes);
    return `${parsed?.address.host} ${new TextDecoder().decode(parsed?.data)}`;
  }

  [Symbol.dispose](): void {
    this.conn.close();
    this.socket.close();
  }
}

Deno.test("send, bench, replay and check reach a target through proxies, which resolve its name", async () => {
  await using proxy = await startProxy();
  await using second = await startProxy();
  const [first] = await resolve("localhost");
  const host = first?.address ?? "";
  await using echo = echoPeer(host);
  const target = `localhost:${echo.port}`;
  const address = formatHostPort(host, echo.port);
  const ways = [[proxy.url], [proxy.url, second.url]].map((urls) => urls.flatMap((url) => ["--proxy", url]));
  for (const way of [...ways, ["--proxy", proxy.url, "--proxy-resolve", "local"]]) {
    for (const to of [target, address]) {
      const { code, stdout, stderr } = await runUdp("send", to, "n{seq}", "-c", "2", ...way);
      // Both are underway at once, and datagrams may overtake each other.
      assertEquals([code, stdout.trim().split("\n").sort()], [0, ["n1", "n2"]], stderr);
    }
    const checked = await runClient(["check", `udp://${target}`, "--send", "hi", "--banner", "^hi$", ...way]);
    assertEquals(checked.code, 0, checked.stdout);
  }
  const benched = await runUdp("bench", target, "-c", "20", "--fail-if", "loss>0%", "--proxy", proxy.url);
  assertEquals(benched.code, 0, benched.stderr);
  const recording = await Deno.makeTempFile();
  try {
    const lines = [
      '{"recording":1,"endpoint":"udp://:1","framing":"raw"}',
      '{"at":"2026-11-22T06:31:53Z","from":"client","text":"replayed"}',
    ];
    await Deno.writeTextFile(recording, `${lines.join("\n")}\n`);
    const replayed = await runUdp("replay", recording, address, "--proxy", proxy.url);
    assertEquals([replayed.code, replayed.stderr.includes("1 sent")], [0, true], replayed.stderr);
  } finally {
    await Deno.remove(recording);
  }
});

Deno.test("check dns:// asks through a proxy", async () => {
  await using proxy = await startProxy();
  // The question comes back as its answer, without a record: that is enough for a query without a name.
  await using server = echoPeer("127.0.0.1", (query) => query.map((byte, index) => index === 2 ? byte | 0x80 : byte));
  const { code, stdout } = await runClient(["check", `dns://127.0.0.1:${server.port}`, "--proxy", proxy.url]);
  assertEquals(code, 0, stdout);
  assertEquals(server.senders.length, 1);
});

Deno.test("datagrams are never sent around a proxy that does not carry them", async () => {
  await using echo = echoPeer();
  const to = `127.0.0.1:${echo.port}`;
  const cases: readonly (readonly [args: string[], words: string])[] = [
    [[to, "a", "--proxy", "http://127.0.0.1:1"], "only socks5 proxies relay datagrams"],
    [[to, "a", "--proxy", "http://127.0.0.1:1", "--proxy", "socks5://127.0.0.1:1"], "only socks5 proxies"],
    [["unixgram:/tmp/none", "a", "--proxy", "socks5://127.0.0.1:1"], "a proxy cannot connect to Unix sockets"],
    [
      ["239.0.0.7:5000", "a", "--proxy", "socks5://127.0.0.1:1"],
      "a proxy cannot send to a multicast or broadcast address",
    ],
    [[to, "a", "--proxy", "env"], "name the proxy for datagrams"],
    [[to, "a", "--proxy", "socks5://127.0.0.1:1", "--bind", ":0"], "--bind and --proxy cannot be combined"],
  ];
  for (const [args, words] of cases) {
    const { code, stderr } = await runUdp("send", ...args);
    assertEquals([code, stderr.includes(words)], [2, true], stderr);
  }
  const checked = await runClient(["check", `udp://${to}`, "--proxy", "http://127.0.0.1:1"]);
  assertEquals(
    [checked.code, checked.stderr.includes("only socks5 proxies")],
    [2, true],
    checked.stdout + checked.stderr,
  );
  assertEquals(echo.senders, []);
});

Deno.test("a proxy that refuses an association, or ends it, is reported with its exit code", async () => {
  await using none = await startProxy("--max-associations", "0");
  const refused = await runUdp("send", "127.0.0.1:9", "a", "--proxy", none.url);
  assertEquals([refused.code, refused.stderr.includes("general SOCKS server failure")], [1, true], refused.stderr);
  const closed = `socks5://127.0.0.1:${closedPort()}`;
  assertEquals((await runUdp("send", "127.0.0.1:9", "a", "--proxy", closed)).code, 4);
  // A closed port behind a proxy looks like silence, because our own machine does not report it.
  await using proxy = await startProxy();
  const to = `127.0.0.1:${closedPort()}`;
  assertEquals((await runUdp("send", to, "a", "--timeout", "300ms", "--proxy", proxy.url)).code, 5);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.write(parseHex("0500 05000001 7f000001 0009"));
    await conn.read(new Uint8Array(100));
    await conn.read(new Uint8Array(100));
  })();
  const ended = await runUdp(
    "send",
    to,
    "a",
    "--timeout",
    "300ms",
    "--proxy",
    `socks5://127.0.0.1:${listener.addr.port}`,
  );
  assertEquals([ended.code, ended.stderr.includes("the proxy ended the association")], [7, true], ended.stderr);
  listener.close();
  await serving;
});

Deno.test("a client takes whole datagrams of the relay only, which is at the proxy's address if it names none", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using sockets = new DisposableStack();
  const [relay, stranger] = ["127.0.0.1", "127.0.0.1"].map((hostname) =>
    sockets.adopt(Deno.listenDatagram({ transport: "udp", hostname, port: 0 }), (socket) => socket.close())
  );
  const { port } = relay?.addr as Deno.NetAddr;
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.write(concat([parseHex("0500 05000001 00000000"), bigEndian(port, 2)]));
    const [bytes, client] = await relay?.receive() ?? [];
    if (bytes === undefined || client === undefined) return;
    const { address } = parseSocksDatagram(bytes) ?? { address: { host: "", port: 0 } };
    assertEquals(address, { host: "db.internal", port: 53 });
    const from = { host: "192.0.2.1", port: 53 };
    await stranger?.send(encodeSocksDatagram(from, utf8("stranger")), client);
    const fragment = encodeSocksDatagram(from, utf8("fragment"));
    fragment[2] = 0x81;
    for (const reply of [fragment, parseHex("0000"), encodeSocksDatagram({ ...from, port: 54 }, utf8("other port"))]) {
      await relay?.send(reply, client);
    }
    // The first sender from the target's port is the target; another address is not.
    await relay?.send(encodeSocksDatagram(from, utf8("1 right")), client);
    await relay?.receive();
    await relay?.send(encodeSocksDatagram({ ...from, host: "192.0.2.2" }, utf8("2 wrong")), client);
    await relay?.send(encodeSocksDatagram(from, utf8("2 right")), client);
    while (await conn.read(new Uint8Array(64)) !== null);
  })();
  const url = `socks5://127.0.0.1:${listener.addr.port}`;
  const { code, stdout, stderr } = await runUdp("send", "db.internal:53", "n{seq}", "-c", "2", "--proxy", url);
  assertEquals([code, stdout], [0, "1 right\n2 right\n"], stderr);
  listener.close();
  await serving;
});

Deno.test("an association takes whole datagrams of its client only, and replies of its targets only", async () => {
  await using proxy = await startProxy("--deny-target", "127.0.0.2", "--deny-target", "denied.example");
  await using echo = echoPeer();
  using client = await RawClient.open(proxy.endpoint);
  assertEquals(client.reply, 0);
  const to = { host: "127.0.0.1", port: echo.port };
  using sockets = new DisposableStack();
  const [other, elsewhere] = ["127.0.0.1", "127.0.0.3"].map((hostname) =>
    sockets.adopt(Deno.listenDatagram({ transport: "udp", hostname, port: 0 }), (socket) => socket.close())
  );
  // Another address must not become the client's, although it comes first.
  if (elsewhere) await client.send(encodeSocksDatagram(to, utf8("other address")), elsewhere);
  await client.send(encodeSocksDatagram(to, utf8("one")));
  assertEquals(await client.receive(), "127.0.0.1 one");
  // Another port, a fragment, no header, denied targets: none is forwarded.
  await client.send(encodeSocksDatagram(to, utf8("other port")), other);
  const fragment = encodeSocksDatagram(to, utf8("fragment"));
  fragment[2] = 1;
  await client.send(fragment);
  for (const malformed of ["", "000000", "00000009 7f000001 0009", "00000001 7f"]) {
    await client.send(parseHex(malformed));
  }
  for (const host of ["127.0.0.2", "denied.example"]) {
    await client.send(encodeSocksDatagram({ host, port: echo.port }, utf8(host)));
  }
  // Whom the client has not sent to may not send to it.
  const [back] = echo.senders;
  if (back) await other?.send(utf8("stray"), back);
  await client.send(encodeSocksDatagram(to, utf8("last")));
  assertEquals(await client.receive(), "127.0.0.1 last");
  assertEquals(echo.senders.length, 2);
});

Deno.test("an association sends for 0.0.0.0 to loopback, if that is allowed", async () => {
  await using echo = echoPeer();
  for (const [flags, received] of [[[], "127.0.0.1 a"], [["--deny-target", "127.0.0.1"], "127.0.0.2 b"]] as const) {
    await using proxy = await startProxy(...flags);
    await using other = echoPeer("127.0.0.2");
    using client = await RawClient.open(proxy.endpoint);
    await client.send(encodeSocksDatagram({ host: "0.0.0.0", port: echo.port }, utf8("a")));
    if (flags.length > 0) await client.send(encodeSocksDatagram({ host: "127.0.0.2", port: other.port }, utf8("b")));
    assertEquals(await client.receive(), received);
    assertEquals(echo.senders.length, 1);
  }
});

Deno.test("datagrams of strangers do not keep an association from --idle-timeout", async () => {
  await using proxy = await startServer(["proxy", ":0", "--idle-timeout", "100ms"]);
  using client = await RawClient.open(proxy.endpoint);
  using sockets = new DisposableStack();
  const bound = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.3", port: 0 });
  const stranger = sockets.adopt(bound, (socket) => socket.close());
  let isOpen = true;
  const ended = client.conn.read(new Uint8Array(1)).finally(() => isOpen = false);
  const flooding = (async () => {
    while (isOpen) {
      await client.send(utf8("stranger"), stranger);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  assertEquals(await withinTime(ended, "the end of the association").finally(() => isOpen = false), null);
  await flooding;
});

Deno.test("an association ends with its connection, and frees its place", async () => {
  await using proxy = await startProxy("--max-associations", "1");
  await using echo = echoPeer();
  for (let round = 0; round < 3; round++) {
    using client = await RawClient.open(proxy.endpoint);
    assertEquals(client.reply, 0);
    {
      using refused = await RawClient.open(proxy.endpoint);
      assertEquals(refused.reply, 1);
    }
    await client.send(encodeSocksDatagram({ host: "127.0.0.1", port: echo.port }, utf8("a")));
    assertEquals(await client.receive(), "127.0.0.1 a");
    await client.conn.closeWrite();
    assertEquals(await client.conn.read(new Uint8Array(1)), null);
    // The port is free again.
    Deno.listenDatagram({ ...client.relay, transport: "udp" }).close();
  }
});

toolTest("/usr/bin/python3", "PySocks sends and receives through an association of ours", async () => {
  await using proxy = await startProxy();
  await using echo = echoPeer();
  const script = `
import socks, sys
s = socks.socksocket(socks.socket.AF_INET, socks.socket.SOCK_DGRAM)
s.set_proxy(socks.SOCKS5, "127.0.0.1", int(sys.argv[1]))
s.settimeout(20)
for text in (b"one", b"two"):
    s.sendto(text, ("127.0.0.1", int(sys.argv[2])))
    print(s.recvfrom(100)[0].decode())
`;
  const port = portOf(proxy.endpoint);
  const { code, stdout, stderr } = await runTool("/usr/bin/python3", ["-c", script, String(port), String(echo.port)]);
  assertEquals([code, stdout], [0, "one\ntwo\n"], stderr);
});

toolTest("/usr/sbin/danted", "send and check go through an association of dante", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  const config = await server.file(
    "danted.conf",
    `errorlog: stderr
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 127.0.0.2/32 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`,
  );
  server.start("danted", ["-f", config, "-p", `${server.folder}/pid`]);
  const way = ["--proxy", `socks5://127.0.0.1:${port}`];
  assertEquals((await runClient(["check", `:${port}`, "--wait", "10s"])).code, 0);
  await using echo = echoPeer();
  for (const host of ["127.0.0.1", "localhost"]) {
    const { code, stdout, stderr } = await runUdp("send", `${host}:${echo.port}`, "n{seq}", "-c", "3", ...way);
    assertEquals([code, stdout.trim().split("\n").sort()], [0, ["n1", "n2", "n3"]], stderr);
  }
  const checked = await runClient(["check", `udp://127.0.0.1:${echo.port}`, ...way]);
  assertEquals(checked.code, 0, checked.stdout);
});
