import { DEFAULTS } from "../base/defaults.ts";
import { formatHostPort } from "./endpoint.ts";
import { toSocketError } from "./socket_error.ts";
import { requireUnstableNet } from "./unstable_net.ts";

/** Options of {@linkcode findFreePort}. */
export interface FreePortOptions {
  /**
   * A numeric address of this machine.
   *
   * @default {"127.0.0.1"}
   */
  host?: string;
  /**
   * TCP and UDP ports are independent.
   *
   * @default {"tcp"}
   */
  transport?: "tcp" | "udp";
}

/**
 * Finds a port that is currently free. Another process may take it before it is used: if possible, listen on port 0
 * instead and read the port from the listener.
 *
 * @example A port for a server that cannot choose one itself
 * ```ts
 * import { findFreePort, isReachable } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const port = findFreePort();
 * assertEquals(await isReachable(`tcp://127.0.0.1:${port}`), false);
 * ```
 *
 * @throws {BindError} The host is not an address of this machine.
 * @throws {PermissionError} A permission of Deno's sandbox is missing.
 */
export function findFreePort(options: FreePortOptions = {}): number {
  const { host = DEFAULTS.host, transport = "tcp" } = options;
  const wanted = { hostname: host, port: 0 };
  if (transport === "udp") requireUnstableNet("find a free UDP port");
  try {
    using socket = transport === "tcp"
      ? Deno.listen(wanted)
      : disposable(Deno.listenDatagram({ transport, ...wanted }));
    return (socket.addr as Deno.NetAddr).port;
  } catch (error) {
    throw toSocketError(error, "find a free port on", `${transport}://${formatHostPort(host, 0)}`);
  }
}

function disposable(socket: Deno.DatagramConn) {
  return { addr: socket.addr, [Symbol.dispose]: () => socket.close() };
}
