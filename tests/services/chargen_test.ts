import { assert, assertEquals } from "@std/assert";
import { chargenPattern } from "../../src/services/chargen.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/program.ts";
import { untilSight } from "../support/sight.ts";

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
  await using started = await startServer(["chargen", "tls://127.0.0.1:0", "--metrics", ":0", ...files.flags()], {
    permissions: ["-N", `--allow-read=${files.folder}`],
  });
  const metrics = await started.server.line();
  const { hostname, port } = new URL(started.endpoint.replace("tls:", "http:"));
  const conn = await Deno.connectTls({ hostname, port: Number(port), caCerts: [files.authority.cert] });
  await readAtLeast(conn, 10_000);
  await conn.closeWrite();
  await readAtLeast(conn, 10_000);
  conn.close();
  // A server that has no turn left answers nobody, and would not end this wait.
  const deadline = setTimeout(() => started.server.kill("SIGKILL"), 20_000);
  await untilSight(metrics, ({ open }) => open === 0);
  clearTimeout(deadline);
});
