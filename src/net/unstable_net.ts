import { PermissionError } from "../base/errors.ts";

/**
 * Refuses what Deno offers only with `--unstable-net`. Without the flag it has
 * no datagram sockets, and an attempt to share a port ends the process.
 *
 * @param doing For the message: `bind udp://:5000`.
 * @throws {PermissionError} The flag is missing.
 */
export function requireUnstableNet(doing: string): void {
  if ("listenDatagram" in Deno) return;
  throw new PermissionError(`Cannot ${doing}: run again with --unstable-net`);
}
