import { formatHex } from "../base/bytes.ts";
import { IPV6_NETWORK_BITS } from "../base/cidr.ts";
import { ipv4OfMapped, parseIp } from "../base/ip.ts";

/** The key of a client in limits by address: an IPv4 or IPv4-mapped address, or the /64 network of an IPv6 address. */
export function addressKey(address: string): string {
  const bytes = parseIp(address);
  if (bytes === undefined) return address;
  const ipv4 = ipv4OfMapped(bytes);
  return ipv4 ? ipv4.join(".") : `${formatHex(bytes.subarray(0, IPV6_NETWORK_BITS / 8))}/${IPV6_NETWORK_BITS}`;
}
