import { ClosedEarlyError } from "../base/errors.ts";
import type { Connection } from "./connection.ts";
import { sharedWait } from "./deadline.ts";
import { formatEndpoint } from "./endpoint.ts";
import type { WaitOptions } from "./wait.ts";

/**
 * Reads `count` bytes into a new array; excess bytes are left for the next read. If `options` end the wait, no data is
 * lost: received bytes stay for the next read.
 *
 * @example A header of four bytes, then the rest
 * ```ts
 * import { connect, listen, readExactly } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * await using client = await connect(listener.endpoint);
 * await using served = (await listener.accept())!;
 * await client.write(Uint8Array.of(0, 0, 0, 2, 104, 105));
 * assertEquals(await readExactly(served, 4), Uint8Array.of(0, 0, 0, 2));
 * assertEquals(await readExactly(served, 2), Uint8Array.of(104, 105));
 * ```
 *
 * @param options `timeout` is the limit for all bytes together.
 * @throws {ClosedEarlyError} The stream ended first; the error holds the received and expected numbers of bytes.
 * @throws {TimeoutError} Not all bytes were received in time.
 * @throws {RangeError} `count` is not a whole number of bytes.
 */
export async function readExactly(
  connection: Connection,
  count: number,
  options: WaitOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot read "${count}" bytes: it must be a whole number, 0 or more`);
  }
  const wait = sharedWait(options);
  const whole = new Uint8Array(count);
  let received = 0;
  try {
    while (received < count) {
      const bytes = await connection.read(wait());
      if (bytes === null) throw endedEarly(connection, received, count);
      const taken = bytes.subarray(0, count - received);
      whole.set(taken, received);
      received += taken.length;
      connection.unread(bytes.subarray(taken.length));
    }
  } catch (error) {
    connection.unread(whole.subarray(0, received));
    throw error;
  }
  return whole;
}

function endedEarly(connection: Connection, received: number, expected: number): ClosedEarlyError {
  const endpoint = formatEndpoint(connection.remote);
  return new ClosedEarlyError(`The stream from ${endpoint} ended early: ${received} of ${expected} bytes received`, {
    endpoint,
    received,
    expected,
  });
}
