import { ClosedError, ResetError } from "../base/errors.ts";
import type { Connection } from "./connection.ts";

/**
 * Copies one connection to another until the end, which is passed on as a half-close; a reset is passed on as a reset
 * if `to` was opened with `canReset`. A slow receiver slows down the sender. Returns the number of bytes.
 *
 * @example A proxy
 * ```ts
 * import { connect, listen, pipe } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using target = await listen("tcp://127.0.0.1:0");
 * using front = await listen("tcp://127.0.0.1:0");
 * await using client = await connect(front.endpoint);
 * await using accepted = await front.accept();
 * await using forward = await connect(target.endpoint);
 * await using served = await target.accept();
 * const both = Promise.all([pipe(accepted!, forward), pipe(forward, accepted!)]);
 * await client.write("hello");
 * await client.closeWrite();
 * assertEquals(new TextDecoder().decode(await served!.read() ?? undefined), "hello");
 * await served!.closeWrite();
 * assertEquals(await both, [5, 0]);
 * ```
 *
 * @throws {ResetError} Either side was reset; both are then closed.
 */
export async function pipe(from: Connection, to: Connection): Promise<number> {
  let count = 0;
  try {
    for (let bytes = await from.read(); bytes !== null; bytes = await from.read()) {
      await to.write(bytes);
      count += bytes.length;
    }
    await to.closeWrite();
    return count;
  } catch (error) {
    if (error instanceof ResetError) {
      from.reset();
      to.reset();
    } else if (!(error instanceof ClosedError)) {
      from.close("error", error instanceof Error ? error : undefined);
      to.close("error");
    }
    throw error;
  }
}
