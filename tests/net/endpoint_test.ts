import { assertEquals, assertThrows } from "@std/assert";
import { bind, dial, formatEndpoint, listen, parseEndpoint } from "@parley/parley";

Deno.test("parseEndpoint() reads full and short forms", () => {
  const cases: [string, string][] = [
    ["tcp://127.0.0.1:8888", "tcp://127.0.0.1:8888"],
    ["TCP://127.0.0.1:8888", "tcp://127.0.0.1:8888"],
    ["tls://db.internal:5433", "tls://db.internal:5433"],
    ["unix:/run/app.sock", "unix:/run/app.sock"],
    ["unix:///run/app.sock", "unix:/run/app.sock"],
    ["unix:app.sock", "unix:app.sock"],
    ["unixgram:/run/x.sock", "unixgram:/run/x.sock"],
    ["ws+unix:/run/app.sock", "ws+unix:/run/app.sock"],
    ["ws+unix:///run/app.sock:/", "ws+unix:/run/app.sock"],
    ["ws+unix:app.sock:/chat?a=b:c", "ws+unix:app.sock:/chat?a=b:c"],
    ["ws+unix:/run/app.sock:?a=ü", "ws+unix:/run/app.sock:/?a=%C3%BC"],
    ["ws://localhost:8765/chat", "ws://localhost:8765/chat"],
    ["ws://localhost:8765", "ws://localhost:8765/"],
    ["ws://localhost", "ws://localhost:80/"],
    ["wss://localhost?room=1", "wss://localhost:443/?room=1"],
    ["ws://:8765", "ws://127.0.0.1:8765/"],
    ["udp://239.0.0.7:5000", "udp://239.0.0.7:5000"],
    ["tcp://[::1]:0", "tcp://[::1]:0"],
    ["tcp://[2001:db8::1]:65535/", "tcp://[2001:db8::1]:65535"],
    ["8888", "tcp://127.0.0.1:8888"],
    [":8888", "tcp://127.0.0.1:8888"],
    ["0.0.0.0:8888", "tcp://0.0.0.0:8888"],
    ["[::1]:8888", "tcp://[::1]:8888"],
    ["db.internal:5433", "tcp://db.internal:5433"],
    ["my_service:80", "tcp://my_service:80"],
    ["example.com.:80", "tcp://example.com.:80"],
  ];
  for (const [text, formatted] of cases) {
    assertEquals(formatEndpoint(parseEndpoint(text)), formatted, text);
    assertEquals(parseEndpoint(formatted), parseEndpoint(text), text);
  }
});

Deno.test({
  name: "parseEndpoint() takes the name of an abstract socket for a stream",
  ignore: Deno.build.os !== "linux",
  fn() {
    for (const text of ["unix:@app", "ws+unix:@app:/chat"]) assertEquals(formatEndpoint(parseEndpoint(text)), text);
  },
});

Deno.test("parseEndpoint() fills in the scheme and the port that are asked for", () => {
  assertEquals(formatEndpoint(parseEndpoint("5000", { scheme: "udp" })), "udp://127.0.0.1:5000");
  assertEquals(formatEndpoint(parseEndpoint("db.internal", { port: 5432 })), "tcp://db.internal:5432");
  assertEquals(formatEndpoint(parseEndpoint("[::1]", { port: 5432 })), "tcp://[::1]:5432");
});

Deno.test("parseEndpoint() rejects everything else, reports the reason and shows an example", () => {
  const cases: [string, string][] = [
    ["", "the port is missing"],
    ["localhost", "the port is missing"],
    ["localhost:", "the port is missing"],
    ["fc00::1%eth0", "brackets"],
    ["[fc00::1%eth0]:80", "zones (%) are not supported"],
    ["::1", "brackets"],
    ["999.1.1.1:80", '"999.1.1.1" is not an IP address'],
    ["1.2.3:80", "is not an IP address"],
    ["[127.0.0.1]:80", "brackets are for IPv6"],
    ["[::g]:80", "is not an IP address"],
    ["tcp://127.0.0.1:65536", 'port "65536" is not a number from 0 to 65535'],
    ["127.0.0.1:-1", 'port "-1"'],
    ["127.0.0.1:80a", 'port "80a"'],
    ["127.0.0.1:1e3", 'port "1e3"'],
    ["70000", 'port "70000"'],
    ["unix:", "the path of the socket is missing"],
    ["unixgram:", "the path of the socket is missing"],
    // UNIX_PATH_BYTES
    [`unix:/${"x".repeat(107)}`, "longer than 107 bytes"],
    ["unix:/a\0b", "NUL"],
    ["ws+unix::/chat", "the path of the socket is missing"],
    ["unixgram:@app", "abstract sockets (@NAME) exist on Linux, for streams only"],
    ["unix:@", "abstract sockets (@NAME) exist on Linux, for streams only"],
    ["ws+unix:/run/app.sock:chat", "the path after the socket's must begin with /"],
    ["ws+unix:/run/app.sock:/a b", "a space or a #"],
    ["http://localhost:80", 'unknown scheme "http"'],
    ["tcp:8080", '"//" must follow "tcp:"'],
    ["udp:127.0.0.1:80", '"//" must follow "udp:"'],
    ["tcp://user@host:80", "a user name is not allowed"],
    ["tcp://host:80/path", "tcp does not accept a path"],
    ["ws://host:80/a b", "a space or a #"],
    ["ws://host:80/#x", "a space or a #"],
    ["a b:80", "is not a host name"],
    ["-a:80", "is not a host name"],
    ["a..b:80", "is not a host name"],
    [`${"a".repeat(64)}:80`, "is not a host name"],
  ];
  for (const [text, found] of cases) {
    const error = assertThrows(() => parseEndpoint(text), SyntaxError, found, text);
    assertEquals(
      error.message.startsWith(`Cannot parse endpoint "${text.replace("user@", "...@")}": `),
      true,
      error.message,
    );
    assertEquals(/; for example \S+$/.test(error.message), true, error.message);
  }
});

Deno.test("parseEndpoint() percent-encodes characters that a WebSocket path cannot contain (fault 31)", () => {
  const cases: [string, string][] = [
    ["ws://h:1/caf\u00e9?q=\u00fc", "/caf%C3%A9?q=%C3%BC"],
    ["ws://h:1/\u{1F600}", "/%F0%9F%98%80"],
    ["wss://h:1/caf%C3%A9", "/caf%C3%A9"],
    ["ws://h:1/a%2Fb%zz", "/a%2Fb%zz"],
    ['ws://h:1/{"x"}|<y>^`\\', "/%7B%22x%22%7D%7C%3Cy%3E%5E%60%5C"],
    ["ws://h:1/a!$&'()*+,;=:@-._~/b", "/a!$&'()*+,;=:@-._~/b"],
    ["ws://h:1/\ud800", "/%EF%BF%BD"],
  ];
  for (const [text, path] of cases) {
    const endpoint = parseEndpoint(text);
    assertEquals("path" in endpoint && endpoint.path, path, text);
    assertEquals(parseEndpoint(formatEndpoint(endpoint)), endpoint);
  }
});

Deno.test("an endpoint of a listener, a connection, a session, a datagram or parseEndpoint() prints itself", async () => {
  using listener = await listen({ scheme: "tcp", host: "127.0.0.1", port: 0, path: "/" });
  const { port } = listener.endpoint;
  await using client = await dial(listener.endpoint);
  await using served = await listener.accept();
  await using socket = await bind("udp://127.0.0.1:0");
  await socket.send("to myself", socket.endpoint);
  const datagram = await socket.receive();
  assertEquals(
    [listener.endpoint, served?.local, client.remote, served?.remote, datagram?.from].map(String),
    [
      `tcp://127.0.0.1:${port}`,
      `tcp://127.0.0.1:${port}`,
      `tcp://127.0.0.1:${port}`,
      `tcp://127.0.0.1:${client.local.port}`,
      `udp://127.0.0.1:${socket.endpoint.port}`,
    ],
  );
  assertEquals(`${parseEndpoint("ws://user:secret@host")}`, "ws://host:80/");
});
