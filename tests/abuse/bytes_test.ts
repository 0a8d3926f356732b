/** ABUSE: invalid messages, cases 1 to 11; those of the chat are in `chat_test.ts`. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readTextToEnd, readToEnd, writeAll } from "../support/peer.ts";
import { runProgram } from "../support/program.ts";
import { withAbuse } from "./support.ts";

const LINES = ["echo", "--framing", "line"];
const LENGTHS = ["echo", "--framing", "length:4be"];
const TLS_HELLO = Uint8Array.fromHex("16030102000100 01fc0303".replaceAll(" ", "") + "5a".repeat(508));

function prefixed(length: number, body = ""): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, length);
  bytes.set(new TextEncoder().encode(body), 4);
  return bytes;
}

async function echoFrame(witness: Deno.TcpConn): Promise<void> {
  const frame = prefixed(5, "hello");
  await writeAll(witness, frame);
  const bytes = new Uint8Array(frame.length);
  for (let have = 0; have < bytes.length;) {
    const count = await witness.read(bytes.subarray(have));
    assert(count !== null, "the server closed the witness");
    have += count;
  }
  assertEquals(bytes, frame);
}

Deno.test("abuse 1: random bytes, NULs and a TLS hello in place of a message: the client is closed, others are unaffected", () =>
  withAbuse({
    args: LENGTHS,
    roundTrip: echoFrame,
    async abuse({ endpoint, until }) {
      const random = crypto.getRandomValues(new Uint8Array(4_096));
      // The first byte makes the prefix longer than anything that is accepted.
      random[0] = 0xff;
      for (const bytes of [random, TLS_HELLO]) {
        using conn = await dial(endpoint);
        await writeAll(conn, bytes);
        assertEquals((await readToEnd(conn)).length, 0);
      }
      assertEquals((await until(({ open }) => open === 1)).closedByReason, { "bad message": 2 });
    },
  }));

Deno.test("abuse 1: 20,000 NULs on a line service: one error, then the end", () =>
  withAbuse({
    args: LINES,
    async abuse({ endpoint }) {
      using conn = await dial(endpoint);
      await writeAll(conn, new Uint8Array(20_000));
      assertMatch(
        await readTextToEnd(conn),
        /^! The line is longer than 4096 bytes .*\n! More than 16384 bytes without a delimiter were received\n$/,
      );
    },
  }));

Deno.test("abuse 3: 5,000 bytes without an end of line: the error is sent at the limit, before the end", () =>
  withAbuse({
    args: LINES,
    async abuse({ endpoint }) {
      using conn = await dial(endpoint);
      const peer = new LinePeer(conn);
      await writeAll(conn, "x".repeat(5_000));
      assertEquals(await peer.line(), "! The line is longer than 4096 bytes and was dropped");
      await writeAll(conn, "\nafter\n");
      assertEquals(await peer.line(), "after");
    },
  }));

Deno.test("abuse 4: a line exactly at the limit is accepted, one byte more is an error, the connection stays", () =>
  withAbuse({
    args: LINES,
    async abuse({ endpoint }) {
      using conn = await dial(endpoint);
      const peer = new LinePeer(conn);
      for (const end of ["\n", "\r\n"]) {
        await writeAll(conn, `${"x".repeat(4_096)}${end}${"y".repeat(4_097)}${end}next${end}`);
        assertEquals(await peer.line(), "x".repeat(4_096));
        const answers = [await peer.line(), await peer.line()].sort();
        assertEquals(answers, ["! The line is longer than 4096 bytes and was dropped", "next"]);
      }
    },
  }));

Deno.test("abuse 5: 16 KiB without an end of line: closed", () =>
  withAbuse({
    args: LINES,
    async abuse({ endpoint, until }) {
      using conn = await dial(endpoint);
      await writeAll(conn, "x".repeat(16 * 1024 + 1));
      assertStringIncludes(await readTextToEnd(conn), "without a delimiter");
      assertEquals((await until(({ open }) => open === 1)).closedByReason, { "bad message": 1 });
    },
  }));

Deno.test("abuse 6: one byte at a time, characters split across reads: the same as in one piece", () =>
  withAbuse({
    args: LINES,
    async abuse({ endpoint }) {
      using conn = await dial(endpoint);
      const peer = new LinePeer(conn);
      const bytes = new TextEncoder().encode("gr\u00fc\u00dfe \u{1f44b}\r\n\r\nend\n");
      for (const byte of bytes) await writeAll(conn, Uint8Array.of(byte));
      assertEquals([await peer.line(), await peer.line(), await peer.line()], ["gr\u00fc\u00dfe \u{1f44b}", "", "end"]);
    },
  }));

Deno.test("abuse 7: length prefixes 2^31, 2^32-1 and -2 are rejected with nothing allocated", () =>
  withAbuse({
    args: LENGTHS,
    roundTrip: echoFrame,
    async abuse({ endpoint, until }) {
      for (const length of [2 ** 31, 2 ** 32 - 1, 2 ** 32 - 2]) {
        using conn = await dial(endpoint);
        await writeAll(conn, prefixed(length, "some"));
        assertEquals((await readToEnd(conn)).length, 0);
      }
      const { closedByReason } = await until(({ open }) => open === 1);
      assertEquals(closedByReason, { "bad message": 3 });
    },
  }));

Deno.test("abuse 8: a length prefix larger than the data: the error reports received and expected bytes", () =>
  withAbuse({
    args: LENGTHS,
    roundTrip: echoFrame,
    async abuse({ endpoint, until }) {
      using conn = await dial(endpoint);
      await writeAll(conn, prefixed(100, "only this"));
      await conn.closeWrite();
      assertEquals((await readToEnd(conn)).length, 0);
      const { closedByReason } = await until(({ open }) => open === 1);
      assertEquals(closedByReason, { "bad message": 1 });
    },
  }));

Deno.test("abuse 11: endpoints that are none are usage errors", async () => {
  for (
    const endpoint of ["fc00::1%eth0", "[fc00::1%eth0]:80", "tcp://999.1.1.1:80", "tcp://127.0.0.1:65536", "unix:"]
  ) {
    const { code, stderr } = await runProgram("server", ["echo", endpoint]);
    assertEquals(code, 2, `${endpoint}: ${stderr}`);
    assertMatch(stderr, /^parley-server: Cannot parse endpoint .*; for example .*\nTry: .*\n$/);
  }
});
