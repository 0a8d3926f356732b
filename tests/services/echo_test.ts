import { assertEquals } from "@std/assert";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/in_process.ts";

Deno.test("echo sends received data back and ends when the client does", async () => {
  await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "a\nb\n");
  await conn.closeWrite();
  assertEquals(new TextDecoder().decode(await readToEnd(conn)), "a\nb\n");
});

for (const framing of ["line", "fixed:4", "length:2be", "delimiter:,"]) {
  Deno.test(`echo sends back each message of a batch with --framing ${framing}`, async () => {
    await using started = await startServer(["echo", "tcp://127.0.0.1:0", "--framing", framing]);
    using conn = await dial(started.endpoint);
    const text = { line: "one\n\nthree\n", "length:2be": "\0\x03one\0\0\0\x05three", "delimiter:,": "one,,three," };
    const sent = text[framing as keyof typeof text] ?? "onestwos";
    await writeAll(conn, sent.repeat(100));
    await conn.closeWrite();
    assertEquals(new TextDecoder().decode(await readToEnd(conn)), sent.repeat(100));
  });
}

Deno.test("echo --framing line sends back a batch without CR, and with a last LF", async () => {
  await using started = await startServer(["echo", "tcp://127.0.0.1:0", "--framing", "line"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "one\r\ntwo\n\r\nlast");
  await conn.closeWrite();
  assertEquals(new TextDecoder().decode(await readToEnd(conn)), "one\ntwo\n\nlast\n");
});
