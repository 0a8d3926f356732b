import { assert, assertEquals } from "@std/assert";
import { chargenPattern } from "../../src/services/chargen.ts";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/program.ts";

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
  await using started = await startServer(["chargen", "tcp://127.0.0.1:0", "--max-accepts", "1"]);
  const conn = await dial(started.endpoint);
  await readAtLeast(conn, 10_000);
  conn.close();
  assertEquals((await started.server.outcome()).code, 0);
});
