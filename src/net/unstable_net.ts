import { PermissionError } from "../base/errors.ts";

/**
 * Rejects operations that require `--unstable-net`: without it Deno has no datagram sockets, and sharing a port ends
 * the process.
 *
 * @param doing For the message: `bind udp://:5000`.
 * @throws {PermissionError} The flag is missing.
 */
export function requireUnstableNet(doing: string): void {
  if ("listenDatagram" in Deno) return;
  throw new PermissionError(`Cannot ${doing}: run again with --unstable-net`);
}
