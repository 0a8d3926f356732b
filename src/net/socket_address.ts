import { unmapped } from "../base/ip.ts";

/** A decoded kernel socket address. */
export type SocketAddress =
  | { readonly family: "inet"; readonly address: Uint8Array; readonly port: number }
  | { readonly family: "unix"; readonly path: string };

/** Room for any address: `struct sockaddr_storage`. */
export const SOCKET_ADDRESS_BYTES = 128;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6_LINUX = 10;
const AF_INET6_MACOS = 30;

/**
 * Decodes a `struct sockaddr`: the family in the machine's byte order (two bytes on Linux; length and family, a byte
 * each, on macOS), port and address in network order. An IPv4-mapped address becomes IPv4.
 *
 * @returns `undefined` for any other family.
 */
export function readSocketAddress(
  bytes: Uint8Array,
  os: typeof Deno.build.os = Deno.build.os,
): SocketAddress | undefined {
  const family = os === "darwin" ? bytes[1] : (bytes[0] ?? 0) + (bytes[1] ?? 0) * 256;
  const port = socketPort(bytes);
  switch (family) {
    case AF_UNIX: {
      const isAbstract = bytes[2] === 0 && (bytes[3] ?? 0) !== 0;
      const start = isAbstract ? 3 : 2;
      const end = bytes.indexOf(0, start);
      const path = new TextDecoder().decode(bytes.subarray(start, end === -1 ? bytes.length : end));
      return { family: "unix", path: isAbstract ? `@${path}` : path };
    }
    case AF_INET:
      return { family: "inet", address: bytes.slice(4, 8), port };
    case AF_INET6_LINUX:
    case AF_INET6_MACOS:
      return { family: "inet", address: unmapped(bytes.slice(8, 24)), port };
    default:
      return undefined;
  }
}

/** The port of a `struct sockaddr` of IPv4 or IPv6. */
export function socketPort(bytes: Uint8Array): number {
  return (bytes[2] ?? 0) * 256 + (bytes[3] ?? 0);
}
