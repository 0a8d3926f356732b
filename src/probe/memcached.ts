/**
 * Memcached, text protocol (https://github.com/memcached/memcached, `doc/protocol.txt`, "Version").
 *
 * Ready: `VERSION ...`. Not ready: `SERVER_ERROR`, or too many connections.
 *
 * @module
 */

import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire } from "./wire.ts";

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  await using wire = await openWire(context);
  await wire.write("version\r\n");
  const line = await wire.line();
  const version = /^VERSION (.+)$/.exec(line)?.[1];
  if (version !== undefined) return { version };
  if (/^(?:SERVER_ERROR|ERROR Too many)/.test(line)) throw notReady(target, line);
  throw unexpected(target, "does not speak the memcached text protocol");
}
