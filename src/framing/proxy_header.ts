/**
 * The PROXY protocol, versions 1 and 2: a proxy sends the addresses of its client in a header before the first byte of
 * the stream. Strict, bounded, pure.
 *
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 * @module
 */

import { bigEndian, concat, equalBytes, formatHex, latin1, NO_BYTES, preview, utf8, viewOf } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import { formatIp, parseIp, plainIp, unmapped } from "../base/ip.ts";

/** One end of the proxied connection. */
export type ProxyAddress =
  | { readonly host: string; readonly port: number }
  /** A Unix socket; `""` for an unnamed client, the usual case. */
  | { readonly path: string };

/** A type, length and value of version 2 (section 2.2). */
interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** The contents of a header. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `local` for a connection of the proxy's own, such as a health check. */
  readonly command: "proxy" | "local";
  /** Both ends; absent if the proxy does not know them or the connection is its own. */
  readonly addresses?: { readonly source: ProxyAddress; readonly destination: ProxyAddress } | undefined;
  /** Version 2 only, in the order received. */
  readonly tlvs?: readonly ProxyTlv[];
}

/** TLV types of the specification (section 2.2). */
export const PROXY_TLV = { alpn: 0x01, authority: 0x02, crc32c: 0x03, noop: 0x04, uniqueId: 0x05, ssl: 0x20 } as const;

/** The longest line of version 1, with its CR LF (section 2.1). */
const V1_BYTES = 107;
/** The longest header of version 2 that is accepted; those of known proxies stay below 1 KiB. */
const V2_BYTES = 4_096;
const V1_START = utf8("PROXY ");
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_FIXED_BYTES = 16;
const UNIX_PATH_BYTES = 108;
const CRC_BYTES = 4;
const STREAM = 1;

/**
 * Parses the header at the start of a stream: its contents and length in bytes, or `undefined` while it is incomplete.
 *
 * @throws {FrameError} The bytes are not a valid header.
 */
export function parseProxyHeader(bytes: Uint8Array): { header: ProxyHeader; length: number } | undefined {
  if (isStartOf(V2_SIGNATURE, bytes)) return parseV2(bytes);
  if (isStartOf(V1_START, bytes)) return parseV1(bytes);
  throw new FrameError(`not a PROXY header: "${preview(bytes, 32)}"`);
}

/** Whether bytes are or may become a header. The first byte that differs shows that the client sends none. */
export function mayBeProxyHeader(bytes: Uint8Array): boolean {
  return isStartOf(V2_SIGNATURE, bytes) || isStartOf(V1_START, bytes);
}

/** Whether one is a prefix of the other. */
function isStartOf(mark: Uint8Array, bytes: Uint8Array): boolean {
  const length = Math.min(mark.length, bytes.length);
  return equalBytes(mark.subarray(0, length), bytes.subarray(0, length));
}

function parseV1(bytes: Uint8Array): { header: ProxyHeader; length: number } | undefined {
  const end = bytes.subarray(0, V1_BYTES).indexOf(0x0a);
  if (end === -1) {
    if (bytes.length < V1_BYTES) return undefined;
    throw new FrameError(`the PROXY line is longer than ${V1_BYTES} bytes`);
  }
  const length = end + 1;
  const line = latin1(bytes.subarray(0, length));
  // The rest of an UNKNOWN line must be ignored.
  if (/^PROXY UNKNOWN(?: [ -~]*)?\r\n$/.test(line)) return { header: { version: 1, command: "proxy" }, length };
  const match = /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)\r\n$/.exec(line);
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = ""] = match ?? [];
  const ipBytes = family === "4" ? 4 : 16;
  const isValid = [source, destination].every((host) => parseIp(host)?.length === ipBytes) &&
    [sourcePort, destinationPort].every((port) => /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 65_535);
  if (!isValid) throw new FrameError(`invalid PROXY line: "${preview(bytes.subarray(0, length), V1_BYTES)}"`);
  return {
    header: {
      version: 1,
      command: "proxy",
      // Without the mapping into IPv6: otherwise a ban of `203.0.113.9` would miss `::ffff:203.0.113.9`.
      addresses: {
        source: { host: plainIp(source), port: Number(sourcePort) },
        destination: { host: plainIp(destination), port: Number(destinationPort) },
      },
    },
    length,
  };
}

function parseV2(bytes: Uint8Array): { header: ProxyHeader; length: number } | undefined {
  if (bytes.length < V2_FIXED_BYTES) return undefined;
  const [versionAndCommand = 0, familyAndProtocol = 0] = bytes.subarray(V2_SIGNATURE.length);
  const length = V2_FIXED_BYTES + viewOf(bytes).getUint16(V2_SIGNATURE.length + 2);
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) {
    throw new FrameError(`unknown version or command 0x${hexByte(versionAndCommand)} of the PROXY header`);
  }
  if (length > V2_BYTES) throw new FrameError(`the PROXY header is longer than ${V2_BYTES} bytes: ${length}`);
  if (bytes.length < length) return undefined;
  // In a LOCAL header everything that follows must be ignored, including the family.
  if (versionAndCommand === 0x20) return { header: { version: 2, command: "local", tlvs: [] }, length };
  const whole = bytes.subarray(0, length);
  const family = familyAndProtocol >> 4;
  const protocol = familyAndProtocol & 0x0f;
  const addressBytes = ADDRESS_BYTES[family];
  if (addressBytes === undefined || protocol > 2) {
    throw new FrameError(`unknown address family or protocol 0x${hexByte(familyAndProtocol)} of the PROXY header`);
  }
  if (length < V2_FIXED_BYTES + 2 * addressBytes) throw new FrameError("the PROXY header ends inside its addresses");
  const tlvs = parseTlvs(whole.subarray(V2_FIXED_BYTES + 2 * addressBytes));
  checkCrc(whole, tlvs);
  // Datagram and unspecified addresses do not describe a stream.
  const addresses = protocol === STREAM && family > 0 ? addressesOf(family, whole.subarray(V2_FIXED_BYTES)) : undefined;
  return { header: { version: 2, command: "proxy", addresses, tlvs }, length };
}

/** Bytes per address by family: unspecified, IPv4, IPv6, Unix; without the port. */
const ADDRESS_BYTES: readonly (number | undefined)[] = [0, 6, 18, UNIX_PATH_BYTES];

function addressesOf(family: number, bytes: Uint8Array): ProxyHeader["addresses"] {
  if (family === 3) {
    const pathAt = (at: number) => {
      const field = bytes.subarray(at, at + UNIX_PATH_BYTES);
      const end = field.indexOf(0);
      return { path: new TextDecoder().decode(end === -1 ? field : field.subarray(0, end)) };
    };
    return { source: pathAt(0), destination: pathAt(UNIX_PATH_BYTES) };
  }
  // Both addresses come first, then both ports.
  const size = family === 1 ? 4 : 16;
  const end = (index: number) => ({
    host: formatIp(unmapped(bytes.slice(index * size, (index + 1) * size))),
    port: viewOf(bytes).getUint16(2 * size + 2 * index),
  });
  return { source: end(0), destination: end(1) };
}

function parseTlvs(bytes: Uint8Array): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 3 + (at + 3 <= bytes.length ? viewOf(bytes).getUint16(at + 1) : 0);
    if (end > bytes.length) throw new FrameError("a TLV of the PROXY header does not end inside it");
    tlvs.push({ type: bytes[at] ?? 0, value: bytes.slice(at + 3, end) });
    at = end;
  }
  return tlvs;
}

/** The checksum is computed with its own bytes set to zero (section 2.2.3). */
function checkCrc(whole: Uint8Array, tlvs: readonly ProxyTlv[]): void {
  let at = whole.length - tlvs.reduce((sum, { value }) => sum + 3 + value.length, 0);
  for (const { type, value } of tlvs) {
    if (type === PROXY_TLV.crc32c) {
      const zeroed = whole.slice();
      zeroed.fill(0, at + 3, at + 3 + value.length);
      if (value.length !== CRC_BYTES || !equalBytes(value, bigEndian(crc32c(zeroed), 4))) {
        throw new FrameError(`the checksum of the PROXY header is wrong: ${formatHex(value)}`);
      }
    }
    at += 3 + value.length;
  }
}

/**
 * Encodes a header.
 *
 * @param options.withChecksum Adds a CRC32c to version 2.
 * @throws {RangeError} Version 1 has no Unix sockets; the ends are of different families; it is too long.
 */
export function encodeProxyHeader(
  header: ProxyHeader,
  { withChecksum = false }: { withChecksum?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  return header.version === 1 ? encodeV1(header) : encodeV2(header, withChecksum);
}

function encodeV1({ command, addresses }: ProxyHeader): Uint8Array<ArrayBuffer> {
  if (command === "local" || addresses === undefined) return utf8("PROXY UNKNOWN\r\n");
  const { source, destination } = addresses;
  if (!("host" in source) || !("host" in destination)) return utf8("PROXY UNKNOWN\r\n");
  const [from, to] = ipPair(source.host, destination.host);
  const family = from.length === 4 ? "TCP4" : "TCP6";
  return utf8(`PROXY ${family} ${formatIp(from)} ${formatIp(to)} ${source.port} ${destination.port}\r\n`);
}

function encodeV2(header: ProxyHeader, withChecksum: boolean): Uint8Array<ArrayBuffer> {
  const [familyAndProtocol, addresses] = header.command === "local" || header.addresses === undefined
    ? [0x00, NO_BYTES]
    : encodeAddresses(header.addresses);
  const tlvs: ProxyTlv[] = [...header.tlvs ?? []];
  if (withChecksum) tlvs.push({ type: PROXY_TLV.crc32c, value: new Uint8Array(CRC_BYTES) });
  const body = concat([addresses, ...tlvs.map(encodeTlv)]);
  if (V2_FIXED_BYTES + body.length > V2_BYTES) throw new RangeError("Cannot encode a PROXY header: it is too long");
  const command = header.command === "local" ? 0x20 : 0x21;
  const whole = concat([V2_SIGNATURE, Uint8Array.of(command, familyAndProtocol), bigEndian(body.length, 2), body]);
  if (withChecksum) whole.set(bigEndian(crc32c(whole), 4), whole.length - CRC_BYTES);
  return whole;
}

function encodeAddresses(
  { source, destination }: NonNullable<ProxyHeader["addresses"]>,
): [familyAndProtocol: number, bytes: Uint8Array<ArrayBuffer>] {
  if ("path" in source && "path" in destination) {
    return [0x31, concat([unixPath(source.path), unixPath(destination.path)])];
  }
  if ("path" in source || "path" in destination) {
    throw new RangeError("Cannot encode a PROXY header: one end is a Unix socket, the other is not");
  }
  const [from, to] = ipPair(source.host, destination.host);
  const ports = [bigEndian(source.port, 2), bigEndian(destination.port, 2)];
  return [from.length === 4 ? 0x11 : 0x21, concat([from, to, ...ports])];
}

/** Brings both addresses into one family: IPv4 becomes IPv4-mapped if the other is IPv6. */
function ipPair(source: string, destination: string): [Uint8Array, Uint8Array] {
  const [from, to] = [source, destination].map((host) => {
    const bytes = parseIp(host);
    if (bytes === undefined) throw new RangeError(`Cannot encode a PROXY header: "${host}" is not an IP address`);
    return unmapped(bytes);
  }) as [Uint8Array, Uint8Array];
  return from.length === to.length ? [from, to] : [mapped(from), mapped(to)];
}

function unixPath(path: string): Uint8Array {
  const bytes = utf8(path);
  if (bytes.length > UNIX_PATH_BYTES) throw new RangeError("Cannot encode a PROXY header: the path is too long");
  const field = new Uint8Array(UNIX_PATH_BYTES);
  field.set(bytes);
  return field;
}

function encodeTlv({ type, value }: ProxyTlv): Uint8Array {
  return concat([Uint8Array.of(type), bigEndian(value.length, 2), value]);
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : concat([new Uint8Array(10), Uint8Array.of(0xff, 0xff), bytes]);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** CRC-32C, with the Castagnoli polynomial (RFC 9260, appendix A). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
