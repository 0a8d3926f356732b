/**
 * Well-behaved clients, which detect every lost or wrong byte.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { enterChat } from "../../tests/support/chat_peer.ts";
import { dial, writeAll } from "../../tests/support/peer.ts";

/** Counts of the clients of one kind. */
export interface Tally {
  connections: number;
  messages: number;
  bytes: number;
}

/** An empty tally. */
export function emptyTally(): Tally {
  return { connections: 0, messages: 0, bytes: 0 };
}

/** Sends random pieces of 1 byte to 128 KiB and compares the echo byte by byte, occasionally on a new connection. */
export async function echoClient(endpoint: string, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    using conn = await dial(endpoint);
    tally.connections++;
    for (let round = 0; round < 200 && !signal.aborted; round++) {
      const sent = randomBytes(1 + Math.floor(Math.random() ** 4 * 128 * 1024));

      await Promise.all([writeAll(conn, sent), expectBytes(conn, sent)]);
      tally.messages++;
      tally.bytes += sent.length;
    }
    // After a half-close everything must still be echoed.
    const last = randomBytes(10_000);
    await writeAll(conn, last);
    await conn.closeWrite();
    await expectBytes(conn, last);
    if (await conn.read(new Uint8Array(1)) !== null) throw new Error("more came back than was sent");
  }
}

/** Members of one separate room: each receives every message of the others once and in order. */
export async function chatRoom(endpoint: string, room: string, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    using members = new DisposableStack();
    const enter = async (name: string) => {
      const peer = members.use(await enterChat(endpoint));
      await peer.send(`/join ${room}\n/leave lobby\n/nick ${room}-${name}`);
      await peer.until(new RegExp(`^\\* \\S+ is now ${room}-${name}$`));
      return peer;
    };
    const speaker = await enter("speaker");
    const listeners = [await enter("a"), await enter("b"), await enter("c")];
    tally.connections += 4;
    const count = 500;
    const speaking = (async () => {
      for (let number = 0; number < count; number++) {
        await speaker.send(`${number} ${"x".repeat(number % 300)}`);
        if (number % 25 === 0) await delay(5);
      }
    })();
    const listening = listeners.map(async (listener) => {
      for (let number = 0; number < count; number++) {
        const line = await listener.until(/^\[/);
        const expected = `[#${room}] ${room}-speaker: ${number} ${"x".repeat(number % 300)}`;
        if (line !== expected) throw new Error(`"${line.slice(0, 80)}" came where "${expected.slice(0, 80)}" was due`);
        tally.messages++;
        tally.bytes += line.length;
      }
    });
    await Promise.all([speaking, ...listening]);
  }
}

function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  // getRandomValues() returns at most 64 KiB.
  for (let from = 0; from < count; from += 65_536) crypto.getRandomValues(bytes.subarray(from, from + 65_536));
  return bytes;
}

async function expectBytes(conn: Deno.Conn, sent: Uint8Array): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let have = 0; have < sent.length;) {
    const count = await conn.read(buffer.subarray(0, Math.min(buffer.length, sent.length - have)));
    if (count === null) throw new Error(`the echo ended after ${have} of ${sent.length} bytes`);
    for (let index = 0; index < count; index++) {
      if (buffer[index] !== sent[have + index]) {
        throw new Error(`byte ${have + index} of ${sent.length} came back wrong`);
      }
    }
    have += count;
  }
}
