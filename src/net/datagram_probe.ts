import { isMulticast } from "../base/ip.ts";
import type { Endpoint } from "./endpoint.ts";

/** What can be known about a UDP port without its answer. */
export type PortState =
  /** The address is of this machine, and nobody is bound there. */
  | "closed"
  /** The address is of this machine, and somebody is bound there. */
  | "bound"
  /** The address is another machine's, or the system does not let us look. */
  | "unknown";

/**
 * Whether somebody is bound to a UDP port of this machine. Deno has no
 * connected UDP sockets, so the ICMP error of a closed port (RFC 1122, section
 * 4.1.3.3) never reaches a program; trying to bind the port for a moment tells
 * the same about this machine's addresses, and nothing about others.
 */
export function probePort(endpoint: Endpoint): PortState {
  if (endpoint.scheme !== "udp" || endpoint.port === 0 || isMulticast(endpoint.host)) return "unknown";
  try {
    Deno.listenDatagram({ transport: "udp", hostname: endpoint.host, port: endpoint.port }).close();
    return "closed";
  } catch (error) {
    // Anything else says nothing about the port: not our address, a port of the system's, a missing permission.
    return error instanceof Deno.errors.AddrInUse ? "bound" : "unknown";
  }
}
