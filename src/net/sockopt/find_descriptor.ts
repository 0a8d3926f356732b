import { equalBytes } from "../../base/bytes.ts";
import { ParleyError } from "../../base/errors.ts";
import { isIp, parseIp, unmapped } from "../../base/ip.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint, isHostEndpoint } from "../endpoint.ts";
import type { Libc } from "./libc.ts";
import { readSocketAddress, SOCKET_ADDRESS_BYTES, type SocketAddress, socketPort } from "../socket_address.ts";

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
/** Descriptors that are examined for a new socket before all are when it must be found. */
const MAX_EXAMINED = 64;
/** Standard error is hardly ever closed. */
const STANDARD_ERROR = 2;
/** Whether a socket listens: level and name (Linux). */
const SO_ACCEPTCONN = [1, 30] as const;

/** What is known of a descriptor. */
const STATE = { unknown: 0, owned: 1, freed: 2 } as const;

/**
 * Finds the file descriptors of this process's sockets by comparing their addresses in the kernel, because Deno does
 * not expose them. It never guesses.
 *
 * It remembers what it has found, so that a listener does not examine all open connections for each new one.
 */
export class DescriptorFinder {
  readonly #libc: Libc;
  readonly #known = new WeakMap<SocketEnds, number>();
  /** One of {@linkcode STATE} for each descriptor. */
  #states = new Uint8Array(1_024);
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
    if (known !== undefined) {
      if (this.#isOf(known, socket)) return known;
      throw notFound(socket, 0);
    }
    const likely = hasUniqueAddresses(socket) ? this.#firstLikely(socket) : undefined;
    const fd = likely ?? this.#onlyOne(socket);
    this.#remember(fd, socket);
    if (socket.closed !== undefined) {
      this.#setState(fd, STATE.owned);
      void socket.closed.then(() => this.forget(socket));
    }
    return fd;
  }

  /**
   * Finds a TCP socket that is new, at little cost, for a later {@linkcode find}, which searches for it otherwise.
   * Call {@linkcode forget} before it is closed.
   */
  expect(socket: SocketEnds, guess: number): void {
    if (this.#isOf(guess, socket)) return this.#own(guess, socket);
    // A socket that its peer has reset no longer has a peer address: it does not justify a search of all descriptors.
    let dead: number | undefined;
    const fits = (fd: number) => {
      if (this.#isOf(fd, socket)) return true;
      if (dead === undefined && this.#hasLostPeer(fd, socket)) dead = fd;
      return false;
    };
    const fd = this.#newest(fits) ?? this.#freed(fits, MAX_EXAMINED) ?? dead;
    if (fd !== undefined) this.#own(fd, socket);
  }

  /** The descriptor that the kernel will assign to the next socket or file. */
  lowestFree(): number {
    const fd = this.#libc.calls.dup(STANDARD_ERROR);
    if (fd !== -1) this.#libc.calls.close(fd);
    return fd;
  }

  /** The socket is closed, or about to be. */
  forget(socket: SocketEnds): void {
    const fd = this.#known.get(socket);
    if (fd === undefined) return;
    this.#known.delete(socket);
    this.#setState(fd, STATE.freed);
  }

  /** The kernel assigns the lowest free descriptor, so those just below it are the newest. */
  #newest(fits: (fd: number) => boolean): number | undefined {
    const first = this.lowestFree() - 1;
    for (let fd = first; fd > first - MAX_EXAMINED && fd >= 0; fd--) {
      if (this.#states[fd] !== STATE.owned && fits(fd)) return fd;
    }
    return undefined;
  }

  /** The first match among the freed descriptors, some of which are in use again. */
  #freed(fits: (fd: number) => boolean, maxExamined: number): number | undefined {
    let fd = this.#states.indexOf(STATE.freed);
    for (let examined = 0; fd !== -1 && examined < maxExamined; examined++) {
      if (fits(fd)) return fd;
      fd = this.#states.indexOf(STATE.freed, fd + 1);
    }
    return undefined;
  }

  #firstLikely(socket: SocketEnds): number | undefined {
    const fits = (fd: number) => this.#isOf(fd, socket);
    const fd = this.#freed(fits, Infinity);
    if (fd !== undefined) return fd;
    const highest = this.#highest;
    for (let fd = highest + 1; fd <= highest + ABOVE_HIGHEST; fd++) if (fits(fd)) return fd;
    return undefined;
  }

  #onlyOne(socket: SocketEnds): number {
    // Connections of a Unix listener have equal addresses; all but the newest have been found before.
    const all = this.#all(socket);
    const unowned = all.filter((fd) => this.#states[fd] !== STATE.owned);
    const found = unowned.length > 0 ? unowned : all;
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    throw notFound(socket, found.length);
  }

  #all(socket: SocketEnds): number[] {
    const all: number[] = [];
    const end = Math.min(this.#libc.calls.getdtablesize(), MAX_DESCRIPTORS);
    for (let fd = 0; fd < end; fd++) if (this.#isOf(fd, socket)) all.push(fd);
    return all;
  }

  #remember(fd: number, socket: SocketEnds): void {
    this.#known.set(socket, fd);
    this.#highest = Math.max(this.#highest, fd);
  }

  #own(fd: number, socket: SocketEnds): void {
    this.#remember(fd, socket);
    this.#setState(fd, STATE.owned);
  }

  #setState(fd: number, state: number): void {
    if (fd >= this.#states.length) {
      const grown = new Uint8Array(2 * fd);
      grown.set(this.#states);
      this.#states = grown;
    }
    this.#states[fd] = state;
  }

  #isOf(fd: number, socket: SocketEnds): boolean {
    const { local } = socket;
    const remote = otherEnd(socket);
    const { getsockname, getpeername } = this.#libc.calls;
    if (!isHostEndpoint(local)) {
      const name = this.#addressOf(getsockname, fd);
      return name !== undefined && this.#isOfUnix(fd, name, local.path, socket);
    }
    if (!this.#isNamed(getsockname, fd, local, "local")) return false;
    if (remote === undefined) return this.#addressOf(getpeername, fd) === undefined;
    return isHostEndpoint(remote) && this.#isNamed(getpeername, fd, remote, "remote");
  }

  /** Whether it has the socket's own address, but no peer, and is not its listener. */
  #hasLostPeer(fd: number, { local }: SocketEnds): boolean {
    const { getsockname, getpeername, getsockopt } = this.#libc.calls;
    if (!isHostEndpoint(local) || !this.#isNamed(getsockname, fd, local, "local")) return false;
    if (this.#addressOf(getpeername, fd) !== undefined) return false;
    const isListening = new Uint32Array(1);
    this.#length[0] = 4;
    getsockopt(fd, ...SO_ACCEPTCONN, new Uint8Array(isListening.buffer), this.#lengthBytes);
    return isListening[0] === 0;
  }

  #isNamed(call: Libc["calls"]["getsockname"], fd: number, endpoint: HostEndpoint, side: "local" | "remote"): boolean {
    // The port distinguishes most of them, and is read fastest.
    if (!this.#ask(call, fd) || socketPort(this.#address) !== endpoint.port) return false;
    const address = readSocketAddress(this.#address);
    return address !== undefined && isSame(address, endpoint, side);
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
    return this.#ask(call, fd) ? readSocketAddress(this.#address) : undefined;
  }

  #ask(call: Libc["calls"]["getsockname"], fd: number): boolean {
    this.#length[0] = this.#address.length;
    if (call(fd, this.#address, this.#lengthBytes) !== 0) return false;
    this.#address.fill(0, this.#length[0]);
    return true;
  }
}

/** Whether the addresses are unique: both ends of a TCP connection are known exactly. */
function hasUniqueAddresses(socket: SocketEnds): boolean {
  const { local } = socket;
  const remote = otherEnd(socket);
  if (remote === undefined || !isHostEndpoint(local) || !isHostEndpoint(remote)) return false;
  return parseIp(local.host)?.some((byte) => byte !== 0) === true && isIp(remote.host);
}

function notFound(socket: SocketEnds, count: number): ParleyError {
  const ends = [socket.local, otherEnd(socket)].filter((end) => end !== undefined).map(formatEndpoint).join(" - ");
  const found = count === 0 ? "no descriptor has" : `${count} descriptors have`;
  return new ParleyError(`Cannot find the descriptor of ${ends}: ${found} these addresses`);
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
  return equalBytes(address.address, unmapped(wanted));
}
