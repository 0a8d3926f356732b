/**
 * The messages of SOCKS 5 (RFC 1928, RFC 1929) and SOCKS 4a, for both sides.
 * Pure. Each parser returns `undefined` until its message is whole.
 *
 * @module
 */

import { bigEndian, concat, latin1, NO_BYTES, utf8, viewOf } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import { formatIp, parseIp } from "../base/ip.ts";

/** Methods of authentication (RFC 1928, section 3). */
export const SOCKS_METHOD = { none: 0x00, password: 0x02, noneAcceptable: 0xff } as const;

/** Commands of a request (RFC 1928, section 4). */
export const SOCKS_COMMAND = { connect: 1, bind: 2, udpAssociate: 3 } as const;

/** Codes of a reply (RFC 1928, section 6). */
export const SOCKS_REPLY = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

const REPLY_WORDS: readonly string[] = [
  "succeeded",
  "general SOCKS server failure",
  "connection not allowed by ruleset",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/** The text of a reply code, as in RFC 1928. */
export function socksReplyText(code: number): string {
  return REPLY_WORDS[code] ?? `unassigned reply code ${code}`;
}

const ATYP = { ipv4: 1, name: 3, ipv6: 4 } as const;
const VERSION = 5;
const NAME_BYTES = 255;

/** The destination, or the bound address. */
export interface SocksAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Encodes type, address and port of a request or reply. */
function encodeSocksAddress({ host, port }: SocksAddress): Uint8Array<ArrayBuffer> {
  const ip = parseIp(host);
  const name = ip === undefined ? utf8(host) : undefined;
  if (name !== undefined && (name.length === 0 || name.length > NAME_BYTES)) {
    throw new RangeError(`Cannot ask a SOCKS proxy for "${host}": a name has 1 to ${NAME_BYTES} bytes`);
  }
  const address = name === undefined
    ? concat([Uint8Array.of(ip?.length === 4 ? ATYP.ipv4 : ATYP.ipv6), ip ?? NO_BYTES])
    : concat([Uint8Array.of(ATYP.name, name.length), name]);
  return concat([address, bigEndian(port, 2)]);
}

/** Parses type, address and port, which follow three bytes in every message. */
function parseSocksAddress(bytes: Uint8Array): { address: SocksAddress; length: number } | undefined {
  const [, , , type, first] = bytes;
  if (type === undefined || type === ATYP.name && first === undefined) return undefined;
  const start = type === ATYP.name ? 5 : 4;
  const size = type === ATYP.ipv4 ? 4 : type === ATYP.ipv6 ? 16 : type === ATYP.name ? first ?? 0 : undefined;
  if (size === undefined) throw new FrameError(`unknown SOCKS address type ${type}`);
  const end = start + size + 2;
  if (bytes.length < end) return undefined;
  const field = bytes.slice(start, end - 2);
  const host = type === ATYP.name ? latin1(field) : formatIp(field);
  return { address: { host, port: viewOf(bytes).getUint16(end - 2) }, length: end };
}

/** A client's first message: the authentication methods that it offers. */
export function encodeSocksGreeting(methods: readonly number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(VERSION, methods.length, ...methods);
}

/** Parses a client's first message. */
export function parseSocksGreeting(bytes: Uint8Array): { methods: Uint8Array; length: number } | undefined {
  checkVersion(bytes, VERSION, "SOCKS");
  const length = 2 + (bytes[1] ?? Infinity);
  return bytes.length < length ? undefined : { methods: bytes.slice(2, length), length };
}

/** A server's two bytes of `version` and `value`: the method it chose, or the outcome of a login. */
export function parseSocksChoice(bytes: Uint8Array, version = VERSION): { value: number; length: 2 } | undefined {
  checkVersion(bytes, version, "SOCKS");
  const [, value] = bytes;
  return value === undefined ? undefined : { value, length: 2 };
}

/** Name and password (RFC 1929, section 2). */
export function encodeSocksLogIn(user: string, password: string): Uint8Array<ArrayBuffer> {
  const fields = [utf8(user), utf8(password)];
  if (fields.some(({ length }) => length === 0 || length > NAME_BYTES)) {
    throw new RangeError(`Cannot log in to a SOCKS proxy: name and password have 1 to ${NAME_BYTES} bytes each`);
  }
  return concat([Uint8Array.of(1), ...fields.flatMap((field) => [Uint8Array.of(field.length), field])]);
}

/** Parses a name and a password. */
export function parseSocksLogIn(
  bytes: Uint8Array,
): { user: string; password: string; length: number } | undefined {
  checkVersion(bytes, 1, "login");
  const userEnd = 2 + (bytes[1] ?? Infinity);
  const length = userEnd + 1 + (bytes[userEnd] ?? Infinity);
  if (!(bytes.length >= length)) return undefined;
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  return { user: text(2, userEnd), password: text(userEnd + 1, length), length };
}

/** Encodes a request, or a reply if `code` is a reply code. */
export function encodeSocksRequest(command: number, address: SocksAddress): Uint8Array<ArrayBuffer> {
  return concat([Uint8Array.of(VERSION, command, 0), encodeSocksAddress(address)]);
}

/** Parses a request or a reply: `code` is the command or the reply code. */
export function parseSocksRequest(
  bytes: Uint8Array,
): { code: number; address: SocksAddress; length: number } | undefined {
  checkVersion(bytes, VERSION, "SOCKS");
  const found = parseSocksAddress(bytes);
  return found && { code: bytes[1] ?? 0, ...found };
}

/** One datagram of a UDP association (RFC 1928, section 7): `fragment` is 0 if it is whole. */
interface SocksDatagram {
  readonly fragment: number;
  /** Where it goes, or where it came from. */
  readonly address: SocksAddress;
  readonly data: Uint8Array;
}

/** A whole datagram to or from an address. */
export function encodeSocksDatagram(address: SocksAddress, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([new Uint8Array(3), encodeSocksAddress(address), data]);
}

/** Reads a datagram, whose data is a view of it; `undefined` if it is malformed. */
export function parseSocksDatagram(bytes: Uint8Array): SocksDatagram | undefined {
  try {
    const found = parseSocksAddress(bytes);
    return found && { fragment: bytes[2] ?? 0, address: found.address, data: bytes.subarray(found.length) };
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

/** Reply codes of SOCKS 4. */
const REPLY_WORDS_4: Readonly<Record<number, string>> = {
  90: "request granted",
  91: "request rejected or failed",
  92: "request rejected: the proxy cannot connect to identd on the client",
  93: "request rejected: identd reports another user name",
};

/** Encodes a SOCKS 4a request: an invalid address (0.0.0.1), then the name. */
export function encodeSocks4Request({ host, port }: SocksAddress, user: string): Uint8Array<ArrayBuffer> {
  const ip = parseIp(host);
  if (ip?.length === 16) throw new RangeError(`Cannot ask a SOCKS 4 proxy for ${host}: it does not support IPv6`);
  const name = ip === undefined ? concat([utf8(host), Uint8Array.of(0)]) : NO_BYTES;
  const head = Uint8Array.of(4, SOCKS_COMMAND.connect, port >> 8, port & 0xff);
  return concat([head, ip ?? Uint8Array.of(0, 0, 0, 1), utf8(user), Uint8Array.of(0), name]);
}

/** Parses a SOCKS 4 reply. */
export function parseSocks4Reply(bytes: Uint8Array): { code: number; text: string; length: 8 } | undefined {
  checkVersion(bytes, 0, "SOCKS 4");
  const code = bytes[1] ?? 0;
  return bytes.length < 8 ? undefined : { code, text: REPLY_WORDS_4[code] ?? `unknown reply ${code}`, length: 8 };
}

function checkVersion(bytes: Uint8Array, version: number, what: string): void {
  const [found] = bytes;
  if (found !== undefined && found !== version) {
    throw new FrameError(`version ${found} of ${what} instead of ${version}`);
  }
}
