import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseHex } from "../../src/base/bytes.ts";
import { ClosedEarlyError, ParleyError, PermissionError, RefusedError, TimeoutError } from "../../src/base/errors.ts";
import { tunnelFor } from "../../src/http/connect_tunnel.ts";
import { Logger } from "../../src/log/logger.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../src/net/endpoint.ts";
import type { Dialed, Dialer } from "../../src/net/layer.ts";
import { environmentDialer, parseProxy, proxyDialer } from "../../src/net/proxy_dialer.ts";
import { FakeTransport } from "../support/fake_transport.ts";

const OPTIONS = { log: Logger.of("test"), resolveTimeoutMs: 1_000, signal: new AbortController().signal };
const TARGET = parseEndpoint("tcp://db.internal:5432");

/** A proxy that answers with these bytes, whatever is asked. */
function fakeProxy(...answers: (string | Uint8Array | null)[]): { via: Dialer; transport: FakeTransport } {
  const transport = new FakeTransport();
  transport.say(...answers);
  return { transport, via: { dial: (to) => Promise.resolve({ transport, local: to, remote: to }) } };
}

function dial(url: string, via: Dialer, to: Endpoint = TARGET): Promise<Dialed> {
  return proxyDialer(parseProxy(url), { via, tunnelFor }).dial(to, OPTIONS);
}

async function readAll(dialed: Dialed, count: number): Promise<string> {
  const bytes = new Uint8Array(count);
  for (let read = 0; read < count;) read += await dialed.transport.read(bytes.subarray(read)) ?? Infinity;
  return new TextDecoder().decode(bytes);
}

Deno.test("proxyDialer() asks a SOCKS 5 proxy by name, and loses nothing that follows the reply", async () => {
  for (const cut of [1, 3, 100]) {
    const answer = parseHex("0500 05000001 7f000001 1538");
    const { via, transport } = fakeProxy();
    for (let at = 0; at < answer.length; at += cut) transport.say(answer.slice(at, at + cut));
    transport.say("220 hello");
    const dialed = await dial("socks5://proxy", via);
    assertEquals(await readAll(dialed, 9), "220 hello");
    assertEquals(dialed.remote, TARGET);
    assertEquals(transport.writes.join(""), "\x05\x01\x00\x05\x01\x00\x03\x0bdb.internal\x15\x38");
  }
});

Deno.test("proxyDialer() reads a reply and the server's first bytes from one read", async () => {
  const socks = fakeProxy(parseHex("0500"), new Uint8Array([...parseHex("05000003 01 61 0000"), 104, 105]));
  assertEquals(await readAll(await dial("socks5://proxy", socks.via), 2), "hi");
  const http = fakeProxy("HTTP/1.1 200 Connection established\r\n\r\nhi");
  assertEquals(await readAll(await dial("http://proxy", http.via), 2), "hi");
  const socks4 = fakeProxy(new Uint8Array([...parseHex("005a 0000 00000000"), 104, 105]));
  assertEquals(await readAll(await dial("socks4a://proxy", socks4.via), 2), "hi");
});

Deno.test("proxyDialer() logs in to a SOCKS 5 proxy that wants it (RFC 1929)", async () => {
  const { via, transport } = fakeProxy(parseHex("0502"), parseHex("0100"), parseHex("05000001 00000000 0000"));
  await dial("socks5://ann:p%40ss@proxy", via);
  assertEquals(transport.writes.slice(0, 2), ["\x05\x02\x00\x02", "\x01\x03ann\x04p@ss"]);
});

Deno.test("proxyDialer() sends CONNECT with credentials, and skips interim responses", async () => {
  const { via, transport } = fakeProxy("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\n\r\n");
  await dial("http://ann:secret@proxy:3128", via, parseEndpoint("tls://[2001:db8::1]:443"));
  assertEquals(
    transport.writes.join(""),
    "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n" +
      "Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n\r\n",
  );
});

Deno.test("proxyDialer() asks a SOCKS 4a proxy by a name behind an impossible address", async () => {
  const { via, transport } = fakeProxy(parseHex("005a 0000 00000000"));
  await dial("socks4a://ann@proxy", via);
  assertEquals(transport.writes.join(""), "\x04\x01\x15\x38\x00\x00\x00\x01ann\x00db.internal\x00");
});

type ErrorClass = new (...args: never[]) => Error;
const REJECTIONS: readonly [url: string, answer: string | Uint8Array | null, ErrorClass, words: string][] = [
  ["socks5://p", parseHex("0500 05010001 00000000 0000"), ParleyError, "general SOCKS server failure"],
  ["socks5://p", parseHex("0500 05020001 00000000 0000"), PermissionError, "not allowed by ruleset"],
  ["socks5://p", parseHex("0500 05030001 00000000 0000"), RefusedError, "network unreachable"],
  ["socks5://p", parseHex("0500 05040001 00000000 0000"), RefusedError, "host unreachable"],
  ["socks5://p", parseHex("0500 05050001 00000000 0000"), RefusedError, "connection refused"],
  ["socks5://p", parseHex("0500 05080001 00000000 0000"), ParleyError, "address type not supported"],
  ["socks5://p", parseHex("05ff"), PermissionError, "requires a name and a password"],
  ["socks5://ann:x@p", parseHex("0502 0101"), PermissionError, "wrong name or password"],
  ["socks5://p", parseHex("0502"), ParleyError, "not offered"],
  ["socks5://p", "HTTP/1.1 400 Bad Request\r\n\r\n", ParleyError, "does not speak socks5"],
  ["socks5://p", null, ClosedEarlyError, "closed the connection before it answered"],
  ["socks4a://p", parseHex("005b 0000 00000000"), RefusedError, "rejected or failed"],
  ["socks4a://p", parseHex("005d 0000 00000000"), PermissionError, "identd"],
  ["http://p", "HTTP/1.1 502 Bad Gateway\r\n\r\n", RefusedError, "502 Bad Gateway"],
  ["http://p", "HTTP/1.1 503 Service Unavailable\r\n\r\n", RefusedError, "503"],
  ["http://p", "HTTP/1.1 504 Gateway Timeout\r\n\r\n", TimeoutError, "504"],
  ["http://p", "HTTP/1.1 403 Filtered\r\n\r\n", PermissionError, "403 Filtered"],
  ["http://p", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", PermissionError, "give a name and a password"],
  ["http://p", "HTTP/1.1 500 Unable to connect\r\n\r\n", ParleyError, "500 Unable to connect"],
  ["http://p", "SSH-2.0-OpenSSH\r\n\r\n", ParleyError, "does not speak http"],
  ["http://p", null, ClosedEarlyError, "closed the connection before it answered"],
];

for (const [url, answer, Kind, words] of REJECTIONS) {
  Deno.test(`proxyDialer() reports "${words}" of ${url} as ${Kind.name}, and closes the connection`, async () => {
    const { via, transport } = fakeProxy(answer, null);
    const error = await assertRejects(() => dial(url, via), Kind as typeof ParleyError, words);
    assertEquals(error.message.startsWith("Cannot connect to tcp://db.internal:5432 through "), true, error.message);
    assertEquals(transport.closeCount, 1);
  });
}

Deno.test("proxyDialer() gives up when its signal aborts, and closes the connection", async () => {
  const { via, transport } = fakeProxy();
  const abort = new AbortController();
  const dialing = proxyDialer(parseProxy("socks5://p"), { via, tunnelFor }).dial(TARGET, {
    ...OPTIONS,
    signal: abort.signal,
  });
  abort.abort(new TimeoutError("connect", "too late"));
  await assertRejects(() => dialing, TimeoutError, "too late");
  assertEquals(transport.closeCount, 1);
});

Deno.test("proxyDialer() chains: the nearest proxy is asked for the next", async () => {
  const { via, transport } = fakeProxy(parseHex("005a 0000 00000000"), "HTTP/1.1 200 OK\r\n\r\n");
  const first = proxyDialer(parseProxy("socks4a://near"), { via, tunnelFor });
  await proxyDialer(parseProxy("http://far:8080"), { via: first, tunnelFor }).dial(TARGET, OPTIONS);
  assertEquals(transport.writes[0]?.includes("far\0"), true);
  assertEquals(transport.writes[1]?.startsWith("CONNECT db.internal:5432 "), true);
});

Deno.test("proxyDialer() rejects a Unix socket before it connects", async () => {
  const { via, transport } = fakeProxy();
  await assertRejects(
    () => dial("socks5://p", via, parseEndpoint("unix:/run/app.sock")),
    ParleyError,
    "cannot connect to Unix sockets",
  );
  assertEquals(transport.closeCount, 0);
});

Deno.test("parseProxy() knows the usual ports, and never shows a password", () => {
  assertEquals(
    ["socks5://a", "socks5h://a", "socks4a://a", "http://a", "https://a", "socks5://a:9", "http://[::1]:443"]
      .map((text) => parseProxy(text).text),
    [
      "socks5://a:1080",
      "socks5://a:1080",
      "socks4a://a:1080",
      "http://a:80",
      "https://a:443",
      "socks5://a:9",
      "http://[::1]:443",
    ],
  );
  assertEquals(parseProxy("http://u:secret@a:80").text, "http://a:80");
  for (
    const wrong of [
      "a:1080",
      "ftp://secret@a",
      "socks5://",
      "http://a/path",
      "socks4a://u:secret@a",
      "http://:secret@a",
      "http://u:secret@a:99999",
    ]
  ) {
    const error = assertThrows(() => parseProxy(wrong), SyntaxError, "Cannot parse the proxy");
    assertEquals(error.message.includes("secret"), false, error.message);
  }
});

Deno.test("environmentDialer() follows HTTPS_PROXY, ALL_PROXY and NO_PROXY", async () => {
  const named = (name: string): Dialer => ({ dial: () => Promise.reject(new Error(name)) });
  const variables: Readonly<Record<string, string>> = {
    ALL_PROXY: "socks5://all",
    HTTPS_PROXY: "secure:8080",
    NO_PROXY: "localhost, .corp.example,10.0.0.0/8,[2001:db8::1],db.example:5432,192.0.2.0/24:80,2001:db9::/32",
  };
  const dialer = environmentDialer((name) => variables[name], named("direct"), ({ text }) => named(text));
  const route = async (target: string) =>
    (await assertRejects(() => dialer.dial(parseEndpoint(target), OPTIONS))).message;
  const expected: Readonly<Record<string, string>> = {
    "tcp://a:1": "socks5://all:1080",
    "ws://a:1": "socks5://all:1080",
    "tls://a:1": "http://secure:8080",
    "wss://a:1": "http://secure:8080",
    "unix:/run/a": "direct",
    "tcp://localhost:1": "direct",
    "tcp://notlocalhost:1": "socks5://all:1080",
    "tcp://corp.example:1": "direct",
    "tcp://x.CORP.example:1": "direct",
    "tcp://10.1.2.3:1": "direct",
    "tcp://11.1.2.3:1": "socks5://all:1080",
    "tcp://[2001:db8:0::1]:1": "direct",
    "tcp://192.0.2.7:80": "direct",
    "tcp://192.0.2.7:81": "socks5://all:1080",
    "tcp://[2001:db9::7]:1": "direct",
    "tcp://db.example:5432": "direct",
    "tcp://db.example:5433": "socks5://all:1080",
  };
  for (const [target, wanted] of Object.entries(expected)) {
    assertEquals([formatEndpoint(parseEndpoint(target)), await route(target)], [
      formatEndpoint(parseEndpoint(target)),
      wanted,
    ]);
  }
});
