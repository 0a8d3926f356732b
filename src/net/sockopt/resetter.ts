import { ParleyError } from "../../base/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Transport } from "../transport.ts";
import { DescriptorFinder, type SocketEnds } from "./find_descriptor.ts";
import { type Libc, openLibcIfPermitted } from "./libc.ts";

/** `struct sockaddr` of no family (AF_UNSPEC). */
const NO_ADDRESS = new Uint8Array(16);

/**
 * Resets the runtime's own TCP sockets: connect(2) to no address dissolves the
 * connection, and Linux then sends the peer a reset.
 *
 * The descriptor is looked for when a socket is adopted. It stays that of the
 * socket until this program closes it, and is compared with the socket's
 * addresses once more, in the same turn, before anything is done to it.
 */
export class Resetter implements Disposable {
  readonly #libc: Libc;
  readonly #finder: DescriptorFinder;
  #isOpen = true;

  private constructor(libc: Libc) {
    this.#libc = libc;
    this.#finder = new DescriptorFinder(libc);
  }

  /** Opens the C library, on Linux and with `--allow-ffi`; `undefined` otherwise. It never asks for permission. */
  static open(): Resetter | undefined {
    const libc = Deno.build.os === "linux" ? openLibcIfPermitted() : undefined;
    return libc && new Resetter(libc);
  }

  /** The descriptor that the next socket will have, if it is opened at once. */
  guess(): number {
    return this.#isOpen ? this.#finder.lowestFree() : -1;
  }

  /** Takes ownership of a socket; only the result may close it. */
  adopt(conn: Deno.TcpConn, guess: number): ResettableConn {
    const adopted = new ResettableConn(conn, this);
    if (this.#isOpen) this.#finder.expect(adopted, guess);
    return adopted;
  }

  /** Dissolves the connection; `false` if the peer has already reset it. */
  disconnect(socket: SocketEnds): boolean {
    if (!this.#isOpen) return false;
    try {
      return this.#libc.calls.connect(this.#finder.find(socket), NO_ADDRESS, NO_ADDRESS.length) === 0;
    } catch (error) {
      if (error instanceof ParleyError) return false;
      throw error;
    }
  }

  /** The socket is about to be closed. */
  forget(socket: SocketEnds): void {
    this.#finder.forget(socket);
  }

  /** Sockets that are still open can no longer be reset. */
  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#libc[Symbol.dispose]();
  }
}

/** A TCP socket of the runtime's own that can be reset. */
export class ResettableConn implements Transport, SocketEnds {
  /** The local address. */
  readonly localAddr: Deno.NetAddr;
  /** The address of the peer. */
  readonly remoteAddr: Deno.NetAddr;
  readonly #conn: Deno.TcpConn;
  readonly #resetter: Resetter;
  #isClosed = false;

  /** Made by {@linkcode Resetter.adopt}. */
  constructor(conn: Deno.TcpConn, resetter: Resetter) {
    this.#conn = conn;
    this.#resetter = resetter;
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
  }

  get local(): Endpoint {
    return endpointOf(this.localAddr);
  }

  get remote(): Endpoint {
    return endpointOf(this.remoteAddr);
  }

  read(bytes: Uint8Array): Promise<number | null> {
    return this.#isClosed ? Promise.resolve(null) : this.#conn.read(bytes);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(hasEnded = false): Promise<void> {
    if (!hasEnded) return this.#conn.closeWrite();
    // Both sides have ended: closing is enough, and cheaper than a half-close before it.
    this.close();
    return Promise.resolve();
  }

  /** Sets `TCP_NODELAY`. */
  setNoDelay(isOn: boolean): void {
    this.#conn.setNoDelay(isOn);
  }

  /** Sets `SO_KEEPALIVE`. */
  setKeepAlive(isOn: boolean): void {
    this.#conn.setKeepAlive(isOn);
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#resetter.forget(this);
    this.#conn.close();
  }

  /** Closes with a reset (RFC 9293, section 3.5.2). */
  reset(): boolean {
    const isReset = !this.#isClosed && this.#resetter.disconnect(this);
    this.close();
    return isReset;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function endpointOf({ hostname, port }: Deno.NetAddr) {
  return { scheme: "tcp", host: hostname, port, path: "/" } as const;
}
