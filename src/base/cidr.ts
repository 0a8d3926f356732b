import { formatIp, ipv4OfMapped, parseIp } from "./ip.ts";

/** A range of addresses (RFC 4632, RFC 4291 section 2.3). */
export interface Cidr {
  /** 4 or 16 bytes. */
  readonly network: Uint8Array;
  /** Leading bits that an address must share. */
  readonly prefixBits: number;
}

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32`, or one address alone. A range of
 * mapped IPv4 addresses (`::ffff:10.0.0.0/104`) is the IPv4 range.
 *
 * @throws {SyntaxError} Says what was wrong and shows a right one.
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
    throw refuse(text, `the address has bits set behind its prefix of ${prefixBits}`);
  }
  const ipv4 = network.length === 16 && prefixBits >= 96 ? ipv4OfMapped(network) : undefined;
  return ipv4 ? { network: ipv4, prefixBits: prefixBits - 96 } : { network, prefixBits };
}

/** Bits of an IPv6 address that name a network: a customer has at least the other 64 bits (RFC 6177). */
export const IPV6_NETWORK_BITS = 64;

/**
 * A range that can be held against a client: of IPv6 at least a /64, since one
 * customer has all of it.
 */
export function clientRange(range: Cidr): Cidr {
  if (range.network.length === 4 || range.prefixBits <= IPV6_NETWORK_BITS) return range;
  const network = range.network.map((byte, index) => index < IPV6_NETWORK_BITS / 8 ? byte : 0);
  return { network, prefixBits: IPV6_NETWORK_BITS };
}

/** The one way to write a range (RFC 5952); an IPv4 address alone has no prefix. */
export function formatCidr({ network, prefixBits }: Cidr): string {
  return network.length === 4 && prefixBits === 32 ? formatIp(network) : `${formatIp(network)}/${prefixBits}`;
}

/** Whether an address, as `parseIp()` gives it, lies in the range; a mapped IPv4 address is an IPv4 address. */
export function isInCidr(address: Uint8Array, { network, prefixBits }: Cidr): boolean {
  const bytes = ipv4OfMapped(address) ?? address;
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
  return new SyntaxError(`Cannot parse address range "${text}": ${found}; right ones are 10.0.0.0/8 and 2001:db8::/32`);
}
