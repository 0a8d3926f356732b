import { DEFAULTS } from "../base/defaults.ts";
import { LimitError, TimeoutError } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { toSocketError } from "./socket_error.ts";
import { removeSocket } from "./unix.ts";
import { abortable, type WaitOptions } from "./wait.ts";

/** One message as it came. */
export interface Datagram {
  /** Its bytes, in a view that the next receive overwrites. */
  readonly data: Uint8Array;
  /** Who sent it; `null` for a Unix socket that has no name, which cannot be answered. */
  readonly from: Endpoint | null;
  /** It was longer than the socket's `maxBytes`, and the rest of it is lost. */
  readonly isTruncated: boolean;
}

/** What a datagram socket needs of a `Deno.DatagramConn`; a test gives a fake. */
export interface DatagramTransport {
  /** The next datagram, in a view of `buffer`, and who sent it. */
  receive(buffer: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]>;
  /** Hands one datagram to the kernel; how many bytes it took. */
  send(data: Uint8Array, to: Deno.Addr): Promise<number>;
  /** Gives the socket back; a receive that waits rejects. */
  close(): void;
}

/** What the opener of a datagram socket knows about it. */
export interface DatagramInit {
  /** Where it is bound, with the port that was picked. */
  endpoint: Endpoint;
  /** Carries the context. */
  log: Logger;
  /** Most bytes of a datagram that are received. */
  maxBytes?: number | undefined;
}

/**
 * A socket for datagrams (UDP, RFC 768; or a Unix socket): each message whole,
 * on its own, with no promise that it arrives. Nothing is queued in the
 * process: what is not received in time waits in the kernel's buffer, and what
 * does not fit there is lost.
 */
export class DatagramSocket implements AsyncDisposable, AsyncIterable<Datagram> {
  /** Where it is bound, with the port that was picked. */
  readonly endpoint: Endpoint;
  /** Carries the context. */
  readonly log: Logger;
  readonly #transport: DatagramTransport;
  readonly #maxBytes: number;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #pending: Promise<[Uint8Array, Deno.Addr]> | undefined;
  #isClosed = false;

  /** Most bytes of a datagram that are received; a buffer for {@linkcode receiveEach} holds one more. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Takes over the transport. */
  constructor(transport: DatagramTransport, init: DatagramInit) {
    this.#transport = transport;
    this.endpoint = init.endpoint;
    this.log = init.log;
    this.#maxBytes = init.maxBytes ?? DEFAULTS.datagramBytes;
    // One byte more than is wanted: when it is filled, the datagram was longer.
    this.#buffer = new Uint8Array(this.#maxBytes + 1);
  }

  /**
   * The next datagram, or `null` once the socket is closed. A wait that
   * `options` end loses nothing: the datagram comes with a later call.
   *
   * @throws {TimeoutError} None came within `options.timeoutMs`.
   */
  async receive(options?: WaitOptions): Promise<Datagram | null> {
    if (this.#isClosed) return null;
    const pending = this.#pending ?? this.#transport.receive(this.#buffer);
    if (options !== undefined) {
      this.#pending = pending;
      await abortable(pending.then(ignore, ignore), options, () => this.#silence());
    }
    this.#pending = undefined;
    try {
      const [data, from] = await pending;
      return this.#datagramOf(data, from);
    } catch (error) {
      if (this.#isClosed) return null;
      throw toSocketError(error, "receive on", formatEndpoint(this.endpoint));
    }
  }

  /**
   * Receives one datagram after another until the socket is closed or `isDone`
   * says so, with fewer promises than {@linkcode receive}: for servers. What
   * `onDatagram` returns is waited for before the next one. It must not be
   * mixed with {@linkcode receive}.
   *
   * @param nextBuffer Gives the buffer of the next datagram, of `maxBytes + 1` bytes.
   */
  async receiveEach(
    nextBuffer: () => Uint8Array<ArrayBuffer>,
    onDatagram: (datagram: Datagram, buffer: Uint8Array<ArrayBuffer>) => Promise<void> | undefined,
    isDone: () => boolean,
  ): Promise<void> {
    while (!this.#isClosed && !isDone()) {
      const buffer = nextBuffer();
      let datagram: Datagram;
      try {
        const [data, from] = await this.#transport.receive(buffer);
        datagram = this.#datagramOf(data, from);
      } catch (error) {
        if (this.#isClosed) return;
        throw toSocketError(error, "receive on", formatEndpoint(this.endpoint));
      }
      const wait = onDatagram(datagram, buffer);
      if (wait !== undefined) await wait;
    }
  }

  /**
   * Hands one datagram to the kernel. That says nothing about its arrival.
   *
   * @throws {LimitError} It is longer than one datagram can be.
   */
  async send(data: Uint8Array, to: Endpoint): Promise<void> {
    let failure: Error | undefined;
    await this.post(data, to, (error) => failure = error);
    if (failure !== undefined) throw failure;
  }

  /**
   * As {@linkcode send}, but `onDone` is called when the kernel has the
   * datagram, or with the error, and the promise, which never rejects, settles
   * after that: one promise in all. The bytes must not change until then.
   */
  post(data: Uint8Array, to: Endpoint, onDone: (error?: Error) => void): Promise<void> {
    if (to.scheme === "udp" && data.length > DEFAULTS.datagramBytes) {
      onDone(tooLong(data.length, formatEndpoint(to)));
      return Promise.resolve();
    }
    return this.#transport.send(data, addressOf(to)).then(
      () => onDone(),
      (error: unknown) => onDone(sendError(error, data.length, formatEndpoint(to))),
    );
  }

  /** Receives until the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
    for (let datagram = await this.receive(); datagram; datagram = await this.receive()) yield datagram;
  }

  /** Gives the socket back, and removes a Unix socket's file; a second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
    if (this.endpoint.scheme === "unixgram") removeSocket(this.endpoint.path);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #datagramOf(data: Uint8Array, from: Deno.Addr): Datagram {
    const isTruncated = data.length > this.#maxBytes;
    return { data: isTruncated ? data.subarray(0, this.#maxBytes) : data, from: fromOf(from), isTruncated };
  }

  #silence(): Error {
    const endpoint = formatEndpoint(this.endpoint);
    return new TimeoutError("reply", `No datagram came to ${endpoint} in time`, { endpoint });
  }
}

function fromOf(address: Deno.Addr): Endpoint | null {
  if (address.transport === "udp" || address.transport === "tcp") {
    return { scheme: "udp", host: address.hostname, port: address.port, path: "/" };
  }
  return "path" in address && address.path ? { scheme: "unixgram", path: address.path } : null;
}

function addressOf(to: Endpoint): Deno.Addr {
  if (to.scheme === "unixgram") return { transport: "unixpacket", path: to.path };
  if (to.scheme !== "udp") {
    throw new TypeError(`Cannot send a datagram to "${formatEndpoint(to)}": it takes udp or unixgram`);
  }
  return { transport: "udp", hostname: to.host, port: to.port };
}

function sendError(error: unknown, length: number, endpoint: string): Error {
  if (error instanceof Error && "code" in error && error.code === "EMSGSIZE") return tooLong(length, endpoint, error);
  return toSocketError(error, "send to", endpoint);
}

function tooLong(length: number, endpoint: string, cause?: unknown): LimitError {
  const limit = endpoint.startsWith("udp:")
    ? `one datagram carries at most ${DEFAULTS.datagramBytes}`
    : "that is more than the system takes in one datagram";
  return new LimitError(`Cannot send ${length} bytes to ${endpoint}: ${limit}`, { endpoint, cause });
}

function ignore(): void {}
