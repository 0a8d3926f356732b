import { equalBytes } from "../../base/bytes.ts";
import { ParleyError } from "../../base/errors.ts";
import { ipv4OfMapped, isIp, parseIp } from "../../base/ip.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint, isHostEndpoint } from "../endpoint.ts";
import type { Libc } from "./libc.ts";
import { readSocketAddress, SOCKET_ADDRESS_BYTES, type SocketAddress } from "../socket_address.ts";

/** A socket to look for: a `Connection`, or a datagram socket with its `endpoint` as `local`. */
export interface SocketEnds {
  /** Our side. */
  readonly local: Endpoint;
  /** `undefined` for a socket that is not connected. */
  readonly remote?: Endpoint | undefined;
  /** The proxy that the socket is connected to, if any. */
  readonly proxy?: Endpoint | undefined;
  /** Settles when the socket is closed and its descriptor is free, if known. */
  readonly closed?: Promise<unknown>;
  /** Whether a listener accepted it, which distinguishes the two ends of a Unix connection. */
  readonly isAccepted?: boolean;
}

/** Maximum number of descriptors to examine. */
const MAX_DESCRIPTORS = 1_048_576;
/** The kernel assigns the lowest free descriptor: a freed one, or one just above the highest. */
const ABOVE_HIGHEST = 32;

/**
 * Finds the file descriptors of this process's sockets by comparing their addresses in the kernel, because Deno does
 * not expose them. It never guesses.
 *
 * It remembers what it has found, so that a listener does not examine all open connections for each new one.
 */
export class DescriptorFinder {
  readonly #libc: Libc;
  readonly #known = new WeakMap<SocketEnds, number>();
  /** Descriptors of open sockets found so far. */
  readonly #owned = new Set<number>();
  readonly #freed = new Set<number>();
  readonly #address = new Uint8Array(SOCKET_ADDRESS_BYTES);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  #highest = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /**
   * Finds the descriptor of a socket.
   *
   * @throws {ParleyError} No descriptor has these addresses, or several have.
   */
  find(socket: SocketEnds): number {
    const known = this.#known.get(socket);
    if (known !== undefined && this.#isOf(known, socket)) return known;
    const likely = hasUniqueAddresses(socket) ? this.#firstLikely(socket) : undefined;
    return this.#remember(likely ?? this.#onlyOne(socket), socket);
  }

  #firstLikely(socket: SocketEnds): number | undefined {
    for (const fd of this.#freed) if (this.#isOf(fd, socket)) return fd;
    for (let fd = this.#highest + 1; fd <= this.#highest + ABOVE_HIGHEST; fd++) if (this.#isOf(fd, socket)) return fd;
    return undefined;
  }

  #onlyOne(socket: SocketEnds): number {
    const all: number[] = [];
    const end = Math.min(this.#libc.calls.getdtablesize(), MAX_DESCRIPTORS);
    for (let fd = 0; fd < end; fd++) if (this.#isOf(fd, socket)) all.push(fd);
    // Connections of a Unix listener have equal addresses; all but the newest have been found before.
    const unowned = all.filter((fd) => !this.#owned.has(fd));
    const found = unowned.length > 0 ? unowned : all;
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const ends = [socket.local, otherEnd(socket)].filter((end) => end !== undefined).map(formatEndpoint).join(" - ");
    const count = found.length === 0 ? "no descriptor has" : `${found.length} descriptors have`;
    throw new ParleyError(`Cannot find the descriptor of ${ends}: ${count} these addresses`);
  }

  #remember(fd: number, socket: SocketEnds): number {
    this.#known.set(socket, fd);
    this.#highest = Math.max(this.#highest, fd);
    this.#freed.delete(fd);
    if (socket.closed !== undefined) {
      this.#owned.add(fd);
      void socket.closed.then(() => {
        this.#owned.delete(fd);
        this.#freed.add(fd);
      });
    }
    return fd;
  }

  #isOf(fd: number, socket: SocketEnds): boolean {
    const { local } = socket;
    const remote = otherEnd(socket);
    const name = this.#addressOf(this.#libc.calls.getsockname, fd);
    if (name === undefined) return false;
    if (!isHostEndpoint(local)) return this.#isOfUnix(fd, name, local.path, socket);
    if (!isSame(name, local, "local")) return false;
    const peer = this.#addressOf(this.#libc.calls.getpeername, fd);
    return remote === undefined
      ? peer === undefined
      : peer !== undefined && isHostEndpoint(remote) && isSame(peer, remote, "remote");
  }

  /**
   * One end of a Unix connection has the path, the other is unnamed; two unnamed ends are an internal pair of the
   * runtime.
   */
  #isOfUnix(fd: number, name: SocketAddress, path: string, socket: SocketEnds): boolean {
    if (name.family !== "unix") return false;
    const peer = this.#addressOf(this.#libc.calls.getpeername, fd);
    const remote = otherEnd(socket);
    if (remote === undefined) return peer === undefined && name.path === path;
    if (peer?.family !== "unix" || isHostEndpoint(remote)) return false;
    if (name.path === path && peer.path === "") return true;
    return !socket.isAccepted && name.path === "" && peer.path === path;
  }

  #addressOf(call: Libc["calls"]["getsockname"], fd: number): SocketAddress | undefined {
    this.#length[0] = this.#address.length;
    if (call(fd, this.#address, this.#lengthBytes) !== 0) return undefined;
    this.#address.fill(0, this.#length[0]);
    return readSocketAddress(this.#address);
  }
}

/** Whether the addresses are unique: both ends of a TCP connection are known exactly. */
function hasUniqueAddresses(socket: SocketEnds): boolean {
  const { local } = socket;
  const remote = otherEnd(socket);
  if (remote === undefined || !isHostEndpoint(local) || !isHostEndpoint(remote)) return false;
  return parseIp(local.host)?.some((byte) => byte !== 0) === true && isIp(remote.host);
}

function otherEnd({ remote, proxy }: SocketEnds): Endpoint | undefined {
  return proxy ?? remote;
}

function isSame(address: SocketAddress, endpoint: HostEndpoint, side: "local" | "remote"): boolean {
  if (address.family !== "inet" || address.port !== endpoint.port) return false;
  const wanted = parseIp(endpoint.host);
  if (wanted === undefined) return side === "local";
  // A server on the wildcard address does not know which address a client connected to.
  if (side === "local" && wanted.every((byte) => byte === 0)) return true;
  return equalBytes(address.address, ipv4OfMapped(wanted) ?? wanted);
}
