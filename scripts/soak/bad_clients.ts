/**
 * Misbehaving clients. Their own fate does not matter, but that of the server and of the other clients does.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { dial, writeAll } from "../../tests/support/peer.ts";

type Misbehave = (conn: Deno.TcpConn) => Promise<unknown>;

const BEHAVIOURS: readonly Misbehave[] = [
  // Closes with unread bytes on both sides, which causes a reset.
  (conn) => writeAll(conn, "x\n".repeat(2_000)),
  // Closes at once.
  () => Promise.resolve(),
  // Sends nothing.
  () => delay(1_500),
  // Random bytes.
  (conn) => writeAll(conn, crypto.getRandomValues(new Uint8Array(8_192))).then(() => delay(50)),
  // No end of line.
  (conn) => writeAll(conn, "x".repeat(20_000)).then(() => delay(50)),
  // Another protocol.
  (conn) => writeAll(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").then(() => delay(50)),
  (conn) => writeAll(conn, Uint8Array.fromHex("16030102000100" + "01fc0303" + "5a".repeat(200))).then(() => delay(50)),
  // Half a message, byte by byte.
  async (conn) => {
    for (const byte of new TextEncoder().encode("/nick sl")) {
      await writeAll(conn, Uint8Array.of(byte));
      await delay(20);
    }
  },
  // Sends and never reads, until it is dropped.
  (conn) => Promise.race([writeAll(conn, new Uint8Array(16 * 1024 * 1024).fill(0x0a)), delay(3_000)]),
];

/** Misbehaves on one connection after the other; returns their number. */
export async function badClient(endpoint: string, first: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (; !signal.aborted; count++) {
    using conn = await dial(endpoint);
    const behave = BEHAVIOURS[(first + count) % BEHAVIOURS.length];
    await behave?.(conn).catch(() => {
      // The server has disconnected it, as it should.
    });
    await delay(5);
  }
  return count;
}
