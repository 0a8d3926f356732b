import { BindError } from "../base/errors.ts";
import { isMulticast, parseIp } from "../base/ip.ts";
import { reasonOf } from "./socket_error.ts";

/** Which groups a socket joins, and how it sends to groups. */
export interface MulticastSetup {
  /** Groups to join, each an IPv4 or IPv6 multicast address. */
  readonly groups: readonly string[];
  /**
   * The interface on which they are joined: for IPv4 its address, for IPv6 its
   * index. Without it the system picks the one of its default route.
   */
  readonly interface: string | undefined;
  /** How many routers a datagram to a group may cross; IPv4 only. */
  readonly ttl: number | undefined;
}

type MulticastTransport = Pick<Deno.DatagramConn, "joinMulticastV4" | "joinMulticastV6">;

/**
 * Joins groups (RFC 1112, RFC 4291 section 2.7). The memberships end with the socket.
 *
 * @throws {SyntaxError} The interface is not written as the group's family needs it.
 * @throws {BindError} The system refuses: there is no such interface, or none for groups.
 * @throws {RangeError} A TTL is asked for where the runtime cannot set one.
 */
export async function joinGroups(conn: MulticastTransport, setup: MulticastSetup): Promise<void> {
  for (const group of setup.groups) {
    if (!isMulticast(group)) {
      throw new SyntaxError(`Cannot join "${group}": it is no multicast group; right ones are 239.0.0.7 and ff02::7`);
    }
    try {
      await join(conn, group, setup);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) throw error;
      const where = setup.interface === undefined ? "" : ` on ${setup.interface}`;
      throw new BindError("not available", `Cannot join ${group}${where}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

async function join(conn: MulticastTransport, group: string, { ttl, ...setup }: MulticastSetup): Promise<void> {
  if (group.includes(":")) {
    if (ttl !== undefined) {
      throw new RangeError(`Cannot set the TTL for ${group}: for IPv6 it takes the socket option multicastHops`);
    }
    await conn.joinMulticastV6(group, interfaceIndex(setup.interface, group));
  } else {
    const membership = await conn.joinMulticastV4(group, addressOf(setup.interface, group));
    // The runtime sets the TTL of the socket, but by way of a membership.
    if (ttl !== undefined) await membership.setTTL(ttl);
  }
}

function addressOf(name: string | undefined, group: string): string {
  if (name === undefined) return "0.0.0.0";
  if (parseIp(name)?.length === 4) return name;
  throw new SyntaxError(
    `Cannot use ${group} on "${name}": an IPv4 group takes an interface's address, as in 127.0.0.1`,
  );
}

/**
 * The number of an interface, 0 for the system's choice.
 *
 * @throws {SyntaxError} It is not written as a number.
 */
export function interfaceIndex(name: string | undefined, group: string): number {
  if (name === undefined) return 0;
  if (/^\d{1,9}$/.test(name)) return Number(name);
  throw new SyntaxError(`Cannot use ${group} on "${name}": an IPv6 group takes an interface's index, as in 2`);
}
