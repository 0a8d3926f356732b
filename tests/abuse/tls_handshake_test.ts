/** Case 13: clients of a TLS port that are silent, or send something else. */

import { assertEquals, assertLess } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { LinePeer, readToEnd, writeAll } from "../support/peer.ts";
import { portOf } from "../support/ports.ts";
import { startServer } from "../support/program.ts";

/** Half of a client hello: the record header announces 512 bytes (RFC 8446, section 5.1), 40 are sent. */
const HALF_A_HELLO = Uint8Array.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, ...Array(36).fill(7)]);

const ABUSERS: readonly { name: string; says: Uint8Array | string; reason: string }[] = [
  { name: "silent", says: "", reason: '"handshake timeout"' },
  { name: "half a hello", says: HALF_A_HELLO, reason: '"handshake timeout"' },
  { name: "plain text", says: "GET / HTTP/1.1\r\nHost: here\r\n\r\n", reason: "protocol" },
];

for (const { name, says, reason } of ABUSERS) {
  Deno.test(`case 13: 100 clients of a TLS port, ${name}: the 101st is served at once, the others are closed at the deadline`, async () => {
    await using files = await CertificateFiles.create();
    await using echo = await startServer(
      ["echo", "tls://127.0.0.1:0", ...files.flags(), "--handshake-timeout", "2s", "--limit-loopback"],
      { permissions: ["-N", `--allow-read=${files.folder}`] },
    );
    const port = portOf(echo.endpoint);
    const startedMs = performance.now();
    const abusers = await Promise.all(Array.from({ length: 100 }, async () => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(conn, says);
      return conn;
    }));
    using good = await Deno.connectTls({ hostname: "localhost", port, caCerts: [files.authority.cert] });
    const peer = new LinePeer(good);
    await peer.send("hello");
    assertEquals(await peer.line(), "hello");
    // Closed from the server's side, one and all: a read ends only when it does.
    await Promise.all(abusers.map(async (conn) => {
      using abuser = conn;
      await readToEnd(abuser).catch(() => {
        // A reset is as much of an end.
      });
    }));
    assertLess(performance.now() - startedMs, 30_000);
    await peer.send("still there");
    assertEquals(await peer.line(), "still there");
    for (let line = 0; line < 100; line++) {
      await echo.server.errorLine(new RegExp(`TLS handshake failed .*reason=${reason}`));
    }
  });
}
