import { toBytes } from "../base/bytes.ts";

/** A writer: a `Connection`, a `Deno.Conn`, a `Deno.FsFile`. */
export interface WriteTarget {
  /** Writes some or all of `bytes`; returns a count if it may be partial. */
  write(bytes: Uint8Array): Promise<number | void>;
}

/**
 * Writes all bytes, or a whole text as UTF-8, also to the runtime's own connections, where one write may be partial.
 *
 * @example A text to a connection of the runtime
 * ```ts
 * import { listen, writeAll } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * const { port } = listener.endpoint as { port: number };
 * using conn = await Deno.connect({ port });
 * await using served = (await listener.accept())!;
 * await writeAll(conn, "hello");
 * assertEquals(new TextDecoder().decode(await served.read() ?? undefined), "hello");
 * ```
 */
export async function writeAll(target: WriteTarget, data: Uint8Array | string): Promise<void> {
  let rest = toBytes(data);
  while (rest.length > 0) {
    const count = await target.write(rest);
    rest = rest.subarray(count ?? rest.length);
  }
}
