import { toBytes } from "../base/bytes.ts";

/** What can be written to: a `Connection`, a `Deno.Conn`, a `Deno.FsFile`. */
export interface WriteTarget {
  /** Writes some or all of `bytes`; a count where it may have been some. */
  write(bytes: Uint8Array): Promise<number | void>;
}

/**
 * Writes all bytes, or all of a text as UTF-8, also where one write may take a
 * part only, as with the runtime's own connections.
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
