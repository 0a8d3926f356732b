import { isMulticast } from "../base/ip.ts";
import type { DatagramSocket } from "./datagram.ts";
import type { Endpoint } from "./endpoint.ts";

/** The state of a UDP port as far as it can be determined without a reply. */
type PortState =
  /** The address belongs to this machine, and no socket is bound to the port. */
  | "closed"
  /** The address belongs to this machine, and a socket is bound to the port. */
  | "bound"
  /** The address belongs to another machine, or the system does not allow the port to be bound. */
  | "unknown";

/**
 * Whether a socket is bound to a UDP port of this machine. Deno has no
 * connected UDP sockets, so the ICMP error of a closed port (RFC 1122, section
 * 4.1.3.3) never reaches a program; this binds the port for a moment instead.
 * A server that binds it in the same moment fails, so it must not be polled.
 *
 * @param socket What sends to the port: that of a proxy is not of this machine.
 */
export function probePort(endpoint: Endpoint, { proxy }: Pick<DatagramSocket, "proxy">): PortState {
  if (endpoint.scheme !== "udp" || endpoint.port === 0) return "unknown";
  if (proxy !== undefined || isMulticast(endpoint.host)) return "unknown";
  try {
    Deno.listenDatagram({ transport: "udp", hostname: endpoint.host, port: endpoint.port }).close();
    return "closed";
  } catch (error) {
    // Other errors: not a local address, a privileged port, a missing permission.
    return error instanceof Deno.errors.AddrInUse ? "bound" : "unknown";
  }
}
