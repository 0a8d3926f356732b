import { formatIp, ipv4OfMapped, parseIp, unmapped } from "./ip.ts";

/** A range of addresses (RFC 4632, RFC 4291 section 2.3). */
export interface Cidr {
  /** 4 or 16 bytes. */
  readonly network: Uint8Array;
  /** Number of leading bits that addresses in the range share. */
  readonly prefixBits: number;
}

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32`, or one address alone. A range of IPv4-mapped addresses (`::ffff:10.0.0.0/104`)
 * becomes the IPv4 range.
 *
 * @throws {SyntaxError} The text is not an address range; the message says why and gives an example.
 */
export function parseCidr(text: string): Cidr {
  const [address = "", prefix, ...rest] = text.split("/");
  const network = parseIp(address);
  if (network === undefined) throw refuse(text, `"${address}" is not an IP address`);
  const maxBits = network.length * 8;
  if (rest.length > 0 || prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > maxBits) {
    throw refuse(text, `the prefix must be a number from 0 to ${maxBits}`);
  }
  const prefixBits = prefix === undefined ? maxBits : Number(prefix);
  if (!isPrefix(network, prefixBits)) {
    throw refuse(text, `the address has bits set beyond its prefix of ${prefixBits}`);
  }
  const ipv4 = network.length === 16 && prefixBits >= 96 ? ipv4OfMapped(network) : undefined;
  return ipv4 ? { network: ipv4, prefixBits: prefixBits - 96 } : { network, prefixBits };
}

/** Network part of an IPv6 address, in bits: a customer gets at least a /64 (RFC 6177). */
export const IPV6_NETWORK_BITS = 64;

/** The range to ban or limit for a client: an IPv6 range is widened to a /64, which belongs to one customer. */
export function clientRange(range: Cidr): Cidr {
  if (range.network.length === 4 || range.prefixBits <= IPV6_NETWORK_BITS) return range;
  const network = range.network.map((byte, index) => index < IPV6_NETWORK_BITS / 8 ? byte : 0);
  return { network, prefixBits: IPV6_NETWORK_BITS };
}

/** The canonical form of a range (RFC 5952); a single IPv4 address has no prefix. */
export function formatCidr({ network, prefixBits }: Cidr): string {
  return network.length === 4 && prefixBits === 32 ? formatIp(network) : `${formatIp(network)}/${prefixBits}`;
}

/** Whether the range contains an address from `parseIp()`; IPv4-mapped addresses count as IPv4. */
export function isInCidr(address: Uint8Array, { network, prefixBits }: Cidr): boolean {
  const bytes = unmapped(address);
  if (bytes.length !== network.length) return false;
  const whole = prefixBits >> 3;
  for (let index = 0; index < whole; index++) if (bytes[index] !== network[index]) return false;
  const restBits = prefixBits & 7;
  if (restBits === 0) return true;
  const shift = 8 - restBits;
  return (bytes[whole] ?? 0) >> shift === (network[whole] ?? 0) >> shift;
}

function isPrefix(network: Uint8Array, prefixBits: number): boolean {
  return network.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixBits - index * 8));
    return (byte & (0xff >> kept)) === 0;
  });
}

function refuse(text: string, found: string): SyntaxError {
  return new SyntaxError(
    `Cannot parse address range "${text}": ${found}; expected for example 10.0.0.0/8 or 2001:db8::/32`,
  );
}
