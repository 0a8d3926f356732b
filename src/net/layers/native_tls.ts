/**
 * TLS on the socket of a `node:net` connection. On it, `node:tls` neither holds a peer back nor reports a reset, and
 * does not wait until the closure alert is sent (Deno 2.9.6). So this is done here, on the handles of the two sockets,
 * which have the methods that they have in Node.
 *
 * @module
 */

import { NO_BYTES } from "../../base/bytes.ts";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";
import { StreamTransport } from "../node_stream.ts";
import type { ResettableTransport } from "../resettable.ts";

/** The runtime encrypts this much at once. Of a longer write it keeps the rest, which the closure alert would overtake. */
const MAX_WRITE_BYTES = 32 * 1_024;

interface ReadHandle {
  /** Called with received bytes, or without at the end and after an error. */
  onread(bytes?: ArrayBuffer): unknown;
  readStart(): number;
}

/** The handle of a TCP socket. */
interface TcpHandle extends ReadHandle {
  readStop(): number;
}

/** The handle of a TLS socket. A status below 0 is an error. */
interface TlsHandle extends ReadHandle {
  /** Encrypts the bytes, and calls back when the kernel has taken them. */
  writeBuffer(request: { oncomplete(status: number): void }, bytes: Uint8Array): number;
  /** Sends the closure alert, then half-closes. */
  shutdown(request: { oncomplete(): void }): number;
}

/** TLS on a socket of `node:net`. */
export class NativeTlsTransport extends StreamTransport {
  readonly #tcp: Socket;
  readonly #tlsHandle: TlsHandle;
  readonly #inner: ResettableTransport;

  /** Takes ownership of a TLS socket that was started in this turn on the given one, which `inner` closes. */
  constructor(socket: TLSSocket, tcp: Socket, inner: ResettableTransport) {
    const tcpHandle = handleOf<TcpHandle>(tcp);
    const tlsHandle = handleOf<TlsHandle>(socket);
    super(socket, {
      set wants(isWanted: boolean) {
        if (tcp.destroyed) return;
        if (isWanted) tcpHandle.readStart();
        else tcpHandle.readStop();
      },
    });
    this.#tcp = tcp;
    this.#tlsHandle = tlsHandle;
    this.#inner = inner;
    const onRecords = tcpHandle.onread;
    const onPlain = tlsHandle.onread;
    // Instead of the function for records, which takes a reset for an end.
    tcpHandle.onread = (bytes) => (bytes === undefined ? onPlain : onRecords).call(tcpHandle, bytes);
    // Past the buffers of the stream, which cost more than to decrypt a small message.
    tlsHandle.onread = (bytes) => {
      if (bytes === undefined) onPlain.call(tlsHandle, bytes);
      else socket.emit("data", new Uint8Array(bytes));
    };
    // Handles take note of the function when they start to read, and those of a client already do.
    tcpHandle.readStop();
    tcpHandle.readStart();
    tlsHandle.readStart();
  }

  override write(bytes: Uint8Array): Promise<number> {
    return super.write(bytes.length > MAX_WRITE_BYTES ? bytes.subarray(0, MAX_WRITE_BYTES) : bytes);
  }

  protected override writeOut(bytes: Uint8Array, done: (error?: Error) => void): void {
    if (this.#tcp.destroyed) return done(new Deno.errors.NotConnected("the connection is closed"));
    const oncomplete = (status: number) => done(status < 0 ? writeError(status) : undefined);
    const status = this.#tlsHandle.writeBuffer({ oncomplete }, bytes);
    if (status < 0) oncomplete(status);
  }

  /** Not by `end()`: that destroys the socket once both sides have ended, even if the alert has not been sent. */
  override closeWrite(): Promise<void> {
    if (this.#tcp.destroyed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tlsHandle.shutdown({ oncomplete() {} });
    // Writes are in order: when this one is complete, or has failed, the alert is no longer waiting.
    this.#tcp.write(NO_BYTES, () => resolve());
    return promise;
  }

  override close(): void {
    super.close();
    this.#inner.close();
  }

  reset(): boolean {
    const isReset = this.#inner.reset();
    this.close();
    return isReset;
  }
}

/** Not declared, but as in Node. */
function handleOf<Handle>(socket: Socket): Handle {
  return (socket as unknown as { readonly _handle: Handle })._handle;
}

function writeError(status: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { code });
}
