import { assertEquals, assertMatch } from "@std/assert";
import { configureLogging } from "../../src/log/configure.ts";
import type { ProbeContext } from "../../src/probe/probe.ts";
import { type Reply, replyingServer, runProbe } from "../support/run_probe.ts";

const PASSWORD = "hunter2hunter2";
const LOGIN = { user: "app", password: PASSWORD };

/** The ASCII columns of the hex dumps that one probe logs at level trace, joined, and the lines. */
async function traceOf(scheme: string, replies: Reply[], options: Partial<ProbeContext>) {
  const lines: string[] = [];
  configureLogging({ level: "trace", format: "text", color: false, write: (line) => lines.push(line) });
  try {
    await using server = replyingServer(replies, { closes: true });
    await runProbe(`${scheme}://127.0.0.1:${server.port}`, options).catch(() => {});
  } finally {
    configureLogging({ level: "off", format: "text", color: false, write: () => {} });
  }
  const dumped = lines.map((line) => /\|(.*)\|/.exec(line)?.[1] ?? "").join("");
  return { dumped, lines };
}

const OK_NATS = 'INFO {"server_id":"x","version":"2.9.0","auth_required":true}\r\n';
const cases: readonly [scheme: string, replies: Reply[]][] = [
  ["redis", [{ after: 1, send: "+OK\r\n+PONG\r\n" }]],
  ["nats", [{ send: OK_NATS }, { after: 1, send: "PONG\r\n" }]],
  ["mqtt", [{ after: 1, send: Uint8Array.of(0x20, 2, 0, 0) }]],
  ["ldap", [{ after: 1, send: Uint8Array.of(0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0) }]],
];

for (const [scheme, replies] of cases) {
  Deno.test(`a ${scheme} probe with a login traces its steps, and never the password`, async () => {
    const { dumped, lines } = await traceOf(scheme, replies, { login: LOGIN });
    assertEquals([dumped, lines.filter((line) => line.includes(PASSWORD))], ["", []]);
    assertMatch(lines.join(""), /trace \[check\] connecting to 127\.0\.0\.1/);
  });
}

Deno.test("an http probe with an Authorization header traces none of it", async () => {
  const reply = { after: 1, send: "HTTP/1.1 204 No Content\r\n\r\n" };
  const { dumped } = await traceOf("http", [reply], { expected: { headers: ["authorization: Bearer hunter2"] } });
  assertEquals(dumped, "");
});

Deno.test("a probe without a secret traces what it sends and receives", async () => {
  const { dumped } = await traceOf("redis", [{ after: 1, send: "+PONG\r\n" }], {});
  assertMatch(dumped, /PING.*\+PONG/);
});
