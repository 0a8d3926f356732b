import { NO_BYTES, toBytes } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { codeOf, LimitError, TimeoutError } from "../base/errors.ts";
import { isSameIp } from "../base/ip.ts";
import { formatDuration, parseDuration } from "../base/units.ts";
import type { Logger } from "../log/logger.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint, printable } from "./endpoint.ts";
import { OwnAddress } from "./own_address.ts";
import { toSocketError } from "./socket_error.ts";
import { abortable, type WaitOptions } from "./wait.ts";

/** One received message. */
export interface Datagram {
  /** Its bytes: in a view that the next `receive()` overwrites; where the socket is iterated over, in a copy. */
  readonly data: Uint8Array;
  /** The sender; `null` for a Unix socket without a name, which cannot be answered. */
  readonly from: Endpoint | null;
  /** Whether it was longer than the socket's `maxBytes`; the rest of it is lost. */
  readonly isTruncated: boolean;
  /** Whether it claims to come from the receiving socket: it is forged, and a reply would come back. */
  readonly isOwn?: boolean;
}

/** What a datagram socket needs of a `Deno.DatagramConn`. */
export interface DatagramTransport {
  /** Receives the next datagram into `buffer`: the part that it fills, and the sender. */
  receive(buffer: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]>;
  /** Passes one datagram to the kernel: the number of bytes taken. At most one send runs at a time. */
  send(data: Uint8Array, to: Deno.Addr): Promise<number>;
  /** Closes the socket; a pending receive or send rejects. */
  close(): void;
}

/** What a {@linkcode DatagramSocket} is created from. */
export interface DatagramInit<E extends Endpoint = Endpoint> {
  /** The local endpoint, with the port that was picked. */
  endpoint: E;
  /** Carries the context. */
  log: Logger;
  /** Maximum bytes of a datagram that are received. */
  maxBytes?: number | undefined;
  /** The proxy that relays the datagrams. */
  proxy?: string | undefined;
}

/** The datagram that {@linkcode DatagramSocket.answerEach} passes on; one object serves for all of them. */
class IncomingDatagram implements Datagram {
  data: Uint8Array = NO_BYTES;
  isTruncated = false;
  readonly #maxBytes: number;
  readonly #own: OwnAddress;
  #address: Deno.Addr | undefined;

  constructor(maxBytes: number, own: OwnAddress) {
    this.#maxBytes = maxBytes;
    this.#own = own;
  }

  /** Takes what was received into a buffer of `maxBytes + 1` bytes: a full buffer means a longer datagram. */
  set(data: Uint8Array, address: Deno.Addr): void {
    this.isTruncated = data.length > this.#maxBytes;
    this.data = this.isTruncated ? data.subarray(0, this.#maxBytes) : data;
    this.#address = address;
  }

  get isOwn(): boolean {
    return this.#address !== undefined && this.#own.isAt(this.#address);
  }

  /** Built on demand: an echo never asks for it. */
  get from(): Endpoint | null {
    const address = this.#address;
    if (address === undefined) return null;
    if (address.transport === "udp" || address.transport === "tcp") {
      return printable({ scheme: "udp", host: address.hostname, port: address.port, path: "/" });
    }
    return "path" in address && address.path ? printable({ scheme: "unixgram", path: address.path }) : null;
  }
}

/** A send that waits for those started before it. */
interface QueuedSend {
  readonly data: Uint8Array;
  readonly to: Deno.Addr;
  readonly onTaken: (bytes: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * A socket for datagrams (UDP, RFC 768; or a Unix socket). Each message is
 * received whole, on its own, and may be lost. Received datagrams are not
 * queued in the process: they wait in the kernel's buffer, which drops what
 * does not fit. Datagrams are passed to the kernel in the order of the calls.
 */
export class DatagramSocket<E extends Endpoint = Endpoint> implements AsyncDisposable, AsyncIterable<Datagram> {
  /** The local endpoint, with the port that was picked. */
  readonly endpoint: E;
  /** Carries the context. */
  readonly log: Logger;
  /** The proxy that relays its datagrams. */
  readonly proxy: string | undefined;
  readonly #transport: DatagramTransport;
  readonly #maxBytes: number;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #own: OwnAddress;
  readonly #queue: QueuedSend[] = [];
  #isSending = false;
  #pending: Promise<[Uint8Array, Deno.Addr]> | undefined;
  #isClosed = false;

  /** Takes ownership of the transport. */
  constructor(transport: DatagramTransport, init: DatagramInit<E>) {
    this.#transport = transport;
    this.endpoint = printable(init.endpoint);
    this.#own = new OwnAddress(init.endpoint);
    this.log = init.log;
    this.proxy = init.proxy;
    this.#maxBytes = init.maxBytes ?? DEFAULTS.datagramBytes;
    // One more byte than wanted: a full buffer means that the datagram was longer.
    this.#buffer = new Uint8Array(this.#maxBytes + 1);
  }

  /**
   * The next datagram, or `null` once the socket is closed. A wait that
   * `options` end loses nothing: a later call returns the datagram.
   *
   * @throws {TimeoutError} No datagram arrived within `options.timeout`.
   */
  async receive(options?: WaitOptions): Promise<Datagram | null> {
    if (this.#isClosed) return null;
    const pending = this.#pending ?? this.#transport.receive(this.#buffer);
    if (options !== undefined) {
      this.#pending = pending;
      await abortable(pending.then(ignore, ignore), options, () => this.#timeout(parseDuration(options.timeout ?? 0)));
    }
    this.#pending = undefined;
    try {
      const [data, from] = await pending;
      const datagram = new IncomingDatagram(this.#maxBytes, this.#own);
      datagram.set(data, from);
      const { isTruncated, isOwn } = datagram;
      return { data: datagram.data, from: datagram.from, isTruncated, isOwn };
    } catch (error) {
      if (this.#isClosed) return null;
      throw toSocketError(error, "receive on", formatEndpoint(this.endpoint));
    }
  }

  /**
   * Receives until the socket is closed or `isDone` returns true, and sends
   * what `answer` returns back to each sender, one reply at a time. The
   * datagram passed to `answer` is valid during the call only. It must not be
   * combined with {@linkcode receive}.
   *
   * @param onSent Called when the kernel has taken a reply of `bytes` bytes, or with the error.
   * @param heldBy What to wait for before the next datagram is received, if anything.
   */
  answerEach(
    answer: (datagram: Datagram) => Uint8Array | undefined,
    onSent: (bytes: number, error?: Error) => void,
    isDone: () => boolean,
    heldBy?: () => Promise<void> | undefined,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const datagram = new IncomingDatagram(this.#maxBytes, this.#own);
    let replyLength = 0;
    // Callbacks and one reused object: a loop that awaits, with an object for each datagram, is slower.
    const receiveNext = () => {
      if (this.#isClosed || isDone()) return resolve();
      const held = heldBy?.();
      if (held !== undefined) held.then(receiveNext, reject);
      else this.#transport.receive(this.#buffer).then(onReceived, onReceiveFailed);
    };
    // Whatever a callback throws ends the loop; otherwise it would be an unhandled rejection.
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
      this.#send(reply, from, onTaken, onSendFailed);
    });
    const onReceiveFailed = (error: unknown) => {
      if (this.#isClosed) resolve();
      else reject(toSocketError(error, "receive on", formatEndpoint(this.endpoint)));
    };
    const onTaken = guarded((bytes: number) => {
      this.#sendNext();
      onSent(bytes);
      receiveNext();
    });
    const onSendFailed = guarded((error: unknown) => {
      this.#sendNext();
      onSent(0, sendError(error, replyLength, datagram.from));
      receiveNext();
    });
    receiveNext();
    return promise;
  }

  /**
   * Passes one datagram to the kernel, after those of earlier calls. Success
   * does not mean that it arrives. A text is sent in UTF-8.
   *
   * @throws {SyntaxError} The endpoint cannot be parsed.
   * @throws {ResolveError} The name has no address.
   * @throws {LimitError} The data is longer than one datagram can be.
   */
  async send(data: Uint8Array | string, to: Endpoint | string): Promise<void> {
    const target = typeof to === "string" ? parseEndpoint(to, { scheme: "udp" }) : to;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.post(toBytes(data), target, (_, error) => error === undefined ? resolve() : reject(error));
    await promise;
  }

  /**
   * Like {@linkcode send} without a promise: `onSent` is called with the bytes
   * that the kernel has taken, or with 0 and the error. The data must not
   * change until then.
   */
  post(data: Uint8Array, to: Endpoint, onSent: (bytes: number, error?: Error) => void): void {
    if (to.scheme === "udp" && data.length > DEFAULTS.datagramBytes) return onSent(0, tooLong(data.length, to));
    const onTaken = (bytes: number) => {
      this.#sendNext();
      onSent(bytes);
    };
    const onFailed = (error: unknown) => {
      this.#sendNext();
      onSent(0, sendError(error, data.length, to));
    };
    this.#send(data, addressOf(to), onTaken, onFailed);
  }

  /** Receives until the socket is closed; the bytes of each datagram are its own, and stay valid. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
    for (let datagram = await this.receive(); datagram; datagram = await this.receive()) {
      yield { ...datagram, data: datagram.data.slice() };
    }
  }

  /** Closes the socket and removes a Unix socket's file; a second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
    const closed = new Deno.errors.BadResource("the socket is closed");
    for (const { onFailed } of this.#queue.splice(0)) onFailed(closed);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /**
   * One send at a time: concurrent sends on a UDP socket that the runtime has
   * not used yet complete last-first, and on a Unix socket they fail as busy.
   * Both callbacks must call `#sendNext()`.
   */
  #send(data: Uint8Array, to: Deno.Addr, onTaken: QueuedSend["onTaken"], onFailed: QueuedSend["onFailed"]): void {
    if (this.#isSending) {
      this.#queue.push({ data, to, onTaken, onFailed });
      return;
    }
    this.#isSending = true;
    this.#transport.send(data, to).then(onTaken, onFailed);
  }

  #sendNext(): void {
    this.#isSending = false;
    const next = this.#queue.shift();
    if (next) this.#send(next.data, next.to, next.onTaken, next.onFailed);
  }

  #timeout(afterMs: number): Error {
    const endpoint = formatEndpoint(this.endpoint);
    return new TimeoutError("reply", `No datagram arrived at ${endpoint} within ${formatDuration(afterMs)}`, {
      endpoint,
      afterMs,
    });
  }
}

/**
 * Whether a datagram's sender is the expected endpoint. IP addresses are compared as bytes. The name of a Unix socket
 * may be relative to the peer's working directory.
 */
export function isFrom(expected: Endpoint, from: Endpoint | null): boolean {
  if (from === null || from.scheme !== expected.scheme) return false;
  if (isHostEndpoint(from) && isHostEndpoint(expected)) {
    return from.port === expected.port && (from.host === expected.host || isSameIp(from.host, expected.host));
  }
  const [short, long] = [from.path, expected.path].toSorted((a, b) => a.length - b.length);
  return short === long || !!long?.endsWith(`/${short?.replace(/^\.\//, "")}`);
}

function addressOf(to: Endpoint): Deno.Addr {
  if (to.scheme === "unixgram") return { transport: "unixpacket", path: to.path };
  if (to.scheme !== "udp") {
    throw new TypeError(`Cannot send a datagram to "${formatEndpoint(to)}": the scheme must be udp or unixgram`);
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
    : "too large for one datagram on this system";
  return new LimitError(`Cannot send ${length} bytes to ${endpoint}: ${limit}`, { endpoint, cause });
}

function nameOf(to: Endpoint | null): string {
  return to === null ? "an unnamed socket" : formatEndpoint(to);
}

function ignore(): void {}
