import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chargenPattern, encodeTime, formatDaytime } from "../../src/services/standard.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { dial, readTextToEnd, readToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { untilSight } from "../support/sight.ts";

Deno.test("discard takes megabytes and answers nothing", async () => {
  await using started = await startServer(["discard", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, new Uint8Array(8 * 1024 * 1024));
  await conn.closeWrite();
  assertEquals((await readToEnd(conn)).length, 0);
});

async function readAtLeast(conn: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let have = 0; have < count;) {
    const got = await conn.read(bytes.subarray(have));
    assert(got !== null, `the stream ended after ${have} of ${count} bytes`);
    have += got;
  }
  return bytes;
}

Deno.test("chargenPattern() has the lines that RFC 864 shows", () => {
  const lines = new TextDecoder().decode(chargenPattern()).split("\r\n");
  assertEquals(lines.length, 96);
  assertEquals(lines[0], " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg");
  assertEquals(lines[1], "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh");
  assertEquals(lines[94]?.slice(0, 3), "~ !");
});

Deno.test("chargen repeats the pattern, whatever the client sends or half-closes", async () => {
  await using started = await startServer(["chargen", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "thrown away");
  await conn.closeWrite();
  const pattern = chargenPattern();
  const bytes = await readAtLeast(conn, pattern.length * 50);
  for (let from = 0; from < bytes.length; from += pattern.length) {
    assertEquals(bytes.subarray(from, from + pattern.length), pattern);
  }
});

Deno.test("chargen ends its stream at SIGTERM, and the server with 0", async () => {
  await using started = await startServer(["chargen", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await readAtLeast(conn, 10_000);
  started.server.kill("SIGTERM");
  await readToEnd(conn);
  conn.close();
  assertEquals((await started.server.outcome()).code, 0);
});

Deno.test("chargen stops when the client leaves", async () => {
  await using started = await startServer(["chargen", "tcp://127.0.0.1:0", "--exit-after", "1"]);
  const conn = await dial(started.endpoint);
  await readAtLeast(conn, 10_000);
  conn.close();
  assertEquals((await started.server.outcome()).code, 0);
});

Deno.test("chargen over TLS stops when the client ends its side and leaves: it does not take the server with it", async () => {
  await using files = await CertificateFiles.create();
  await using started = await startServer(["chargen", "tls://127.0.0.1:0", "--metrics", ":0", ...files.flags()]);
  const metrics = await started.server.line();
  const { hostname, port } = new URL(started.endpoint.replace("tls:", "http:"));
  const conn = await Deno.connectTls({ hostname, port: Number(port), caCerts: [files.authority.cert] });
  await readAtLeast(conn, 10_000);
  await conn.closeWrite();
  await readAtLeast(conn, 10_000);
  conn.close();
  // A server without a free event loop turn responds to no client, and would not end this wait.
  const deadline = setTimeout(() => started.server.kill("SIGKILL"), 20_000);
  await untilSight(metrics, ({ open }) => open === 0);
  clearTimeout(deadline);
});

Deno.test("formatDaytime() returns the first form of RFC 867", () => {
  assertEquals(formatDaytime(new Date(Date.UTC(1982, 1, 22, 17, 37, 43))), "Monday, February 22, 1982 17:37:43-UTC");
});

Deno.test("daytime sends one line and closes", async () => {
  await using started = await startServer(["daytime", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  assertMatch(await readTextToEnd(conn), /^\w+day, \w+ \d{1,2}, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/);
});

Deno.test("encodeTime() returns the examples of RFC 868", () => {
  const seconds = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0);
  assertEquals(seconds(encodeTime(Date.UTC(1970, 0, 1))), 2_208_988_800);
  assertEquals(seconds(encodeTime(Date.UTC(1976, 0, 1))), 2_398_291_200);
  assertEquals(seconds(encodeTime(Date.UTC(1980, 0, 1))), 2_524_521_600);
  assertEquals(seconds(encodeTime(Date.UTC(1983, 4, 1))), 2_629_584_000);
});

Deno.test("time sends four bytes and closes", async () => {
  await using started = await startServer(["time", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const bytes = await readToEnd(conn);
  assertEquals(bytes.length, 4);
  const unix = new DataView(bytes.buffer).getUint32(0) - 2_208_988_800;
  assert(Math.abs(unix - Date.now() / 1_000) < 60, `the clocks are ${unix - Date.now() / 1_000} s apart`);
});

Deno.test("time refuses --framing, which would add bytes", async () => {
  const { code, stderr } = await runProgram("server", ["time", ":0", "--framing", "line"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "time does not support --framing");
});
