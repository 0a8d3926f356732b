import { DEFAULTS } from "../base/defaults.ts";
import { codeOf, LimitError, TimeoutError } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { IncomingDatagram } from "./incoming_datagram.ts";
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
      const datagram = new IncomingDatagram(this.#maxBytes);
      datagram.set(data, from);
      return { data: datagram.data, from: datagram.from, isTruncated: datagram.isTruncated };
    } catch (error) {
      if (this.#isClosed) return null;
      throw toSocketError(error, "receive on", formatEndpoint(this.endpoint));
    }
  }

  /**
   * Receives one datagram after another until the socket is closed or `isDone`
   * says so, and sends back what `answer` returns, one reply at a time: the way
   * of a UDP server, for UDP hardly ever waits for the kernel. A datagram's
   * sender is made into an endpoint only where it is asked for, and a reply goes
   * to the runtime's own address. It must not be mixed with {@linkcode receive}.
   * The datagram that `answer` is given is that of its call only.
   *
   * @param onSent Called when the kernel has a reply of `bytes` bytes, or with the error.
   */
  answerEach(
    answer: (datagram: Datagram) => Uint8Array | undefined,
    onSent: (bytes: number, error?: Error) => void,
    isDone: () => boolean,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const datagram = new IncomingDatagram(this.#maxBytes);
    let replyLength = 0;
    // Callbacks and one object for all datagrams: a loop that awaits, with an object for each, is 2% slower.
    const receiveNext = () => {
      if (this.#isClosed || isDone()) resolve();
      else this.#transport.receive(this.#buffer).then(onReceived, onReceiveFailed);
    };
    // Whatever is thrown ends the loop with it: nobody else would hear of it.
    const guarded = <T>(step: (value: T) => void) => (value: T) => {
      try {
        step(value);
      } catch (error) {
        reject(error);
      }
    };
    const onReceived = guarded(([data, from]: [Uint8Array, Deno.Addr]) => {
      datagram.set(data, from);
      const reply = answer(datagram);
      if (reply === undefined) return receiveNext();
      replyLength = reply.length;
      this.#transport.send(reply, from).then(onTaken, onSendFailed);
    });
    const onReceiveFailed = (error: unknown) => {
      if (this.#isClosed) resolve();
      else reject(toSocketError(error, "receive on", formatEndpoint(this.endpoint)));
    };
    const onTaken = guarded((bytes: number) => {
      onSent(bytes);
      receiveNext();
    });
    const onSendFailed = guarded((error: unknown) => {
      onSent(0, sendError(error, replyLength, datagram.from));
      receiveNext();
    });
    receiveNext();
    return promise;
  }

  /**
   * Hands one datagram to the kernel. That says nothing about its arrival.
   *
   * @throws {LimitError} It is longer than one datagram can be.
   */
  async send(data: Uint8Array, to: Endpoint): Promise<void> {
    let failure: Error | undefined;
    await this.post(data, to, (_, error) => failure = error);
    if (failure !== undefined) throw failure;
  }

  /**
   * As {@linkcode send}, but `onSent` is called with the bytes that the kernel
   * has taken, or with 0 and the error, and the promise, which never rejects, settles
   * after that: one promise in all. The bytes must not change until then.
   */
  post(data: Uint8Array, to: Endpoint, onSent: (bytes: number, error?: Error) => void): Promise<void> {
    if (to.scheme === "udp" && data.length > DEFAULTS.datagramBytes) {
      onSent(0, tooLong(data.length, to));
      return Promise.resolve();
    }
    return this.#transport.send(data, addressOf(to)).then(
      (bytes) => onSent(bytes),
      (error: unknown) => onSent(0, sendError(error, data.length, to)),
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

  #silence(): Error {
    const endpoint = formatEndpoint(this.endpoint);
    return new TimeoutError("reply", `No datagram came to ${endpoint} in time`, { endpoint });
  }
}

function addressOf(to: Endpoint): Deno.Addr {
  if (to.scheme === "unixgram") return { transport: "unixpacket", path: to.path };
  if (to.scheme !== "udp") {
    throw new TypeError(`Cannot send a datagram to "${formatEndpoint(to)}": it takes udp or unixgram`);
  }
  return { transport: "udp", hostname: to.host, port: to.port };
}

function sendError(error: unknown, length: number, to: Endpoint | null): Error {
  if (codeOf(error) === "EMSGSIZE") return tooLong(length, to, error);
  return toSocketError(error, "send to", nameOf(to));
}

function tooLong(length: number, to: Endpoint | null, cause?: unknown): LimitError {
  const endpoint = nameOf(to);
  const limit = to?.scheme === "udp"
    ? `one datagram carries at most ${DEFAULTS.datagramBytes}`
    : "that is more than the system takes in one datagram";
  return new LimitError(`Cannot send ${length} bytes to ${endpoint}: ${limit}`, { endpoint, cause });
}

function nameOf(to: Endpoint | null): string {
  return to === null ? "a socket without a name" : formatEndpoint(to);
}

function ignore(): void {}
