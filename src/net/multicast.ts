import { BindError } from "../base/errors.ts";
import { isMulticast, parseIp } from "../base/ip.ts";
import { reasonOf } from "../base/system_error.ts";

/** Multicast settings of a socket. */
export interface MulticastSetup {
  /** Groups to join, each an IPv4 or IPv6 multicast address. */
  readonly groups: readonly string[];
  /**
   * The interface to join them on: for IPv4 its address, for IPv6 its index. By
   * default that of the system's default route.
   */
  readonly interface: string | undefined;
  /** TTL of datagrams to a group; IPv4 only. */
  readonly ttl: number | undefined;
}

type MulticastTransport = Pick<Deno.DatagramConn, "joinMulticastV4" | "joinMulticastV6">;

/**
 * Joins groups (RFC 1112, RFC 4291 section 2.7). The memberships end with the socket.
 *
 * @throws {SyntaxError} The interface has the wrong form for the group's family.
 * @throws {BindError} The system rejects the interface.
 * @throws {RangeError} The runtime cannot set a TTL for an IPv6 group.
 */
export async function joinGroups(conn: MulticastTransport, setup: MulticastSetup): Promise<void> {
  for (const group of setup.groups) {
    if (!isMulticast(group)) {
      throw new SyntaxError(`Cannot join "${group}": not a multicast group, for example 239.0.0.7 or ff02::7`);
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
      throw new RangeError(`Cannot set the TTL for ${group}: use the socket option multicastHops for IPv6`);
    }
    await conn.joinMulticastV6(group, interfaceIndex(setup.interface, group));
  } else {
    const membership = await conn.joinMulticastV4(group, addressOf(setup.interface, group));
    // The TTL applies to the socket, although the runtime sets it through a membership.
    if (ttl !== undefined) await membership.setTTL(ttl);
  }
}

function addressOf(name: string | undefined, group: string): string {
  if (name === undefined) return "0.0.0.0";
  if (parseIp(name)?.length === 4) return name;
  throw new SyntaxError(
    `Cannot use ${group} on "${name}": an IPv4 group needs an interface's address, for example 127.0.0.1`,
  );
}

/**
 * The index of an interface, 0 for the system's choice.
 *
 * @throws {SyntaxError} The name is not an index.
 */
export function interfaceIndex(name: string | undefined, group: string): number {
  if (name === undefined) return 0;
  if (/^\d{1,9}$/.test(name)) return Number(name);
  throw new SyntaxError(`Cannot use ${group} on "${name}": an IPv6 group needs an interface's index, for example 2`);
}
