import { assert, assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../../../src/base/bytes.ts";
import { ClosedEarlyError, FrameError, TimeoutError } from "../../../src/base/errors.ts";
import { encodeProxyHeader, parseProxyHeader } from "../../../src/framing/proxy_header.ts";
import { Logger } from "../../../src/log/logger.ts";
import { parseEndpoint } from "../../../src/net/endpoint.ts";
import { proxyProtocolLayer, proxyProtocolSender } from "../../../src/net/layers/proxy_protocol.ts";
import { drip, FakeTime } from "../../support/fake_time.ts";
import { fakeConnection, FakeTransport } from "../../support/fake_transport.ts";

const BALANCER = parseEndpoint("ws://10.0.0.1:40000");
const PEER = { remote: BALANCER, local: parseEndpoint("ws://10.0.0.2:8765"), log: Logger.of("test") };
const OPTIONS = { signal: new AbortController().signal, timeoutMs: 1_000 };
const CLIENT = { host: "203.0.113.9", port: 51_234 };
const isTrusted = (address: string) => address.startsWith("10.");
const HEADERS = ([1, 2] as const).map((version) =>
  encodeProxyHeader({
    version,
    command: "proxy",
    addresses: { source: CLIENT, destination: { host: "192.0.2.1", port: 443 } },
  })
);

async function readText(transport: { read(bytes: Uint8Array): Promise<number | null> }): Promise<string> {
  const bytes = new Uint8Array(64);
  let text = "";
  for (let count = await transport.read(bytes); count !== null; count = await transport.read(bytes)) {
    text += new TextDecoder().decode(bytes.subarray(0, count));
  }
  return text;
}

Deno.test("proxyProtocolLayer() reads a header that is cut anywhere, and loses nothing behind it", async () => {
  for (const header of HEADERS) {
    const whole = new Uint8Array([...header, ...utf8("hello")]);
    for (let cut = 1; cut < whole.length; cut++) {
      const inner = new FakeTransport();
      inner.say(whole.slice(0, cut), whole.slice(cut), null);
      const { transport, remote } = await proxyProtocolLayer({ mode: "require", isTrusted }).wrap(inner, PEER, OPTIONS);
      assertEquals(remote, { scheme: "ws", ...CLIENT, path: "/" });
      assertEquals(await readText(transport), "hello");
    }
  }
});

Deno.test("proxyProtocolLayer() keeps the proxy's address for LOCAL, UNKNOWN and a client without a name", async () => {
  const kept = [
    encodeProxyHeader({ version: 2, command: "local" }),
    encodeProxyHeader({ version: 1, command: "proxy" }),
    encodeProxyHeader({
      version: 2,
      command: "proxy",
      addresses: { source: { path: "" }, destination: { path: "/run/a" } },
    }),
  ];
  for (const header of kept) {
    const inner = new FakeTransport();
    inner.say(header, null);
    const { remote } = await proxyProtocolLayer({ mode: "require", isTrusted }).wrap(inner, PEER, OPTIONS);
    assertEquals(remote, undefined);
  }
});

Deno.test("proxyProtocolLayer() ignores the header of an untrusted address", async () => {
  const peer = { ...PEER, remote: parseEndpoint("ws://198.51.100.7:40000") };
  for (const header of HEADERS) {
    const required = new FakeTransport();
    required.say(header, null);
    await assertRejects(
      () => proxyProtocolLayer({ mode: "require", isTrusted }).wrap(required, peer, OPTIONS),
      FrameError,
      "not a trusted proxy",
    );
    const accepted = new FakeTransport();
    accepted.say(header, null);
    const layered = await proxyProtocolLayer({ mode: "accept", isTrusted }).wrap(accepted, peer, OPTIONS);
    assertEquals(layered.remote, undefined);
    const bytes = new Uint8Array(256);
    assertEquals(bytes.subarray(0, await layered.transport.read(bytes) ?? 0), header);
  }
});

Deno.test("proxyProtocolLayer() with accept serves a trusted peer that sends no header, with every byte", async () => {
  for (const data of ["P", "PR", "PROX", "PROXX", "hello", "\r\n", "\r\n\r\n\0\r\nQUIx", ""]) {
    const inner = new FakeTransport();
    if (data !== "") inner.say(data);
    inner.say(null, null);
    const layered = await proxyProtocolLayer({ mode: "accept", isTrusted }).wrap(inner, PEER, OPTIONS);
    assertEquals([await readText(layered.transport), layered.remote], [data, undefined]);
  }
});

Deno.test("proxyProtocolLayer() with require rejects data, a bad header, and an end inside one", async () => {
  const cases = [
    ["hello", FrameError, "not a PROXY header"],
    ["PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", FrameError, "invalid PROXY line"],
    ["PROXY TCP4 1.2", ClosedEarlyError, "inside its PROXY header"],
  ] as const;
  for (const [data, Kind, words] of cases) {
    const inner = new FakeTransport();
    inner.say(data, null);
    await assertRejects(
      () => proxyProtocolLayer({ mode: "require", isTrusted }).wrap(inner, PEER, OPTIONS),
      Kind as typeof FrameError,
      words,
    );
  }
});

Deno.test("proxyProtocolSender() sends our own address, the given one, or UNKNOWN", async () => {
  const sent = async (local: string, remote: string, source?: { host: string; port: number }) => {
    const inner = new FakeTransport();
    const bytes: Uint8Array[] = [];
    inner.write = (data) => Promise.resolve(bytes.push(data.slice()) && data.length);
    const peer = { local: parseEndpoint(local), remote: parseEndpoint(remote), log: Logger.of("test") };
    await proxyProtocolSender({ version: 2, source }).wrap(inner, peer, OPTIONS);
    const [only] = bytes;
    return only && parseProxyHeader(only)?.header.addresses;
  };
  assertEquals(await sent("tcp://10.0.0.1:1", "tcp://10.0.0.2:2"), {
    source: { host: "10.0.0.1", port: 1 },
    destination: { host: "10.0.0.2", port: 2 },
  });
  assertEquals((await sent("tcp://10.0.0.1:1", "tcp://10.0.0.2:2", CLIENT))?.source, CLIENT);
  assertEquals(await sent("tcp://10.0.0.1:1", "tcp://db.internal:2", CLIENT), {
    source: CLIENT,
    destination: { host: "0.0.0.0", port: 0 },
  });
  assertEquals(await sent("unix:/run/a", "unix:/run/a"), {
    source: { path: "" },
    destination: { path: "/run/a" },
  });
});

Deno.test("proxyProtocolSender() names both ends, as far as they have addresses", async () => {
  const sent = async (
    local: string,
    remote: string,
    given: Partial<Parameters<typeof proxyProtocolSender>[0]> = {},
  ) => {
    const inner = new FakeTransport();
    const written: Uint8Array[] = [];
    inner.write = (bytes) => {
      written.push(bytes.slice());
      return Promise.resolve(bytes.length);
    };
    const ends = { local: parseEndpoint(local), remote: parseEndpoint(remote), log: Logger.of("test") };
    const { transport } = await proxyProtocolSender({ version: 2, ...given }).wrap(inner, ends, OPTIONS);
    assertEquals(transport, inner);
    return parseProxyHeader(written[0] ?? new Uint8Array(0))?.header.addresses;
  };
  const [from, to] = [{ host: "192.0.2.1", port: 1 }, { host: "192.0.2.2", port: 2 }];
  assertEquals(await sent("tcp://192.0.2.1:1", "tcp://192.0.2.2:2"), { source: from, destination: to });
  assertEquals(await sent("tcp://192.0.2.1:1", "tcp://name.example:2"), {
    source: from,
    destination: { host: "0.0.0.0", port: 0 },
  });
  assertEquals(await sent("tcp://[2001:db8::1]:1", "tcp://name.example:2"), {
    source: { host: "2001:db8::1", port: 1 },
    destination: { host: "::", port: 0 },
  });
  assertEquals(await sent("tcp://name.example:1", "tcp://192.0.2.2:2"), undefined);
  // Our own end of a Unix socket has no name.
  assertEquals(await sent("unix:/a", "unix:/b"), { source: { path: "" }, destination: { path: "/b" } });
  assertEquals(await sent("unix:/a", "unix:/b", { source: CLIENT }), {
    source: CLIENT,
    destination: { host: "0.0.0.0", port: 0 },
  });
  assertEquals(await sent("tcp://192.0.2.1:1", "tcp://192.0.2.2:2", { source: CLIENT, destination: from }), {
    source: CLIENT,
    destination: from,
  });
});

Deno.test("a connection whose proxy drips its header is closed after the time for all handshakes", async () => {
  using time = new FakeTime();
  const layers = { layers: [proxyProtocolLayer({ mode: "require", isTrusted: () => true })], timeoutMs: 5_000 };
  const { transport, connection } = fakeConnection({ layers });
  const handshake = connection.handshake();
  const header = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2";
  const tookMs = await drip(time, {
    everyMs: 400,
    send: (index) => transport.say(header.charAt(index) || "3"),
    ended: handshake,
    maxMs: 30_000,
  });
  assert(tookMs >= 5_000 && tookMs <= 5_800, `a header was given ${tookMs} ms`);
  await assertRejects(() => handshake, TimeoutError);
  assertEquals([transport.closeCount, connection.closeReason], [1, "handshake timeout"]);
});
