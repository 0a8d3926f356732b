import { equalBytes } from "../base/bytes.ts";
import { ParleyError } from "../base/errors.ts";
import { ipv4OfMapped, parseIp } from "../base/ip.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "./endpoint.ts";
import type { Libc } from "./libc.ts";
import { readSocketAddress, SOCKET_ADDRESS_BYTES, type SocketAddress } from "./socket_address.ts";

/** A socket to look for: a `Connection`, or a datagram socket with its `endpoint` as `local`. */
export interface SocketEnds {
  /** Our side. */
  readonly local: Endpoint;
  /** `undefined` for a socket that is not connected. */
  readonly remote?: Endpoint | undefined;
}

/** Descriptors that are looked at, at the most. */
const MOST_DESCRIPTORS = 1_048_576;

/**
 * The file descriptor of a socket of this process, found by asking the kernel
 * for the addresses of every descriptor: Deno does not tell it. It never
 * guesses.
 *
 * @throws {ParleyError} No descriptor has these addresses, or more than one has.
 */
export function findDescriptor(socket: SocketEnds, libc: Libc): number {
  const found: number[] = [];
  const most = Math.min(libc.calls.getdtablesize(), MOST_DESCRIPTORS);
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES);
  const length = new Uint32Array(1);
  const addressOf = (call: Libc["calls"]["getsockname"], fd: number): SocketAddress | undefined => {
    length[0] = bytes.length;
    bytes.fill(0);
    return call(fd, bytes, new Uint8Array(length.buffer)) === 0 ? readSocketAddress(bytes) : undefined;
  };
  for (let fd = 0; fd < most; fd++) {
    const local = addressOf(libc.calls.getsockname, fd);
    if (local === undefined || !isSame(local, socket.local, "local")) continue;
    const remote = addressOf(libc.calls.getpeername, fd);
    if (socket.remote === undefined ? remote === undefined : remote && isSame(remote, socket.remote, "remote")) {
      found.push(fd);
    }
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const ends = [socket.local, socket.remote].filter((end) => end !== undefined).map(formatEndpoint).join(" - ");
  const count = found.length === 0 ? "no descriptor has" : `${found.length} descriptors have`;
  throw new ParleyError(`Cannot find the descriptor of ${ends}: ${count} these addresses`);
}

function isSame(address: SocketAddress, endpoint: Endpoint, side: "local" | "remote"): boolean {
  if (!isHostEndpoint(endpoint)) {
    // One end of a Unix connection has the path, the other has no name.
    return address.family === "unix" && (address.path === endpoint.path || address.path === "");
  }
  if (address.family !== "inet" || address.port !== endpoint.port) return false;
  const wanted = parseIp(endpoint.host);
  if (wanted === undefined) return side === "local";
  // A server that listens on every address says so, and not which one a client came to.
  if (side === "local" && wanted.every((byte) => byte === 0)) return true;
  return equalBytes(address.address, ipv4OfMapped(wanted) ?? wanted);
}
