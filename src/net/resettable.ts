/**
 * TCP over `node:net`, for connections that can be reset: the runtime's own sockets send a FIN before they close,
 * regardless of SO_LINGER, so the peer sees an orderly end.
 *
 * @module
 */

import { createConnection, type Socket } from "node:net";
import { BindError, hasCode } from "../base/errors.ts";
import { StreamTransport } from "./node_stream.ts";

/** A TCP connection that can be reset. */
export class ResettableTransport extends StreamTransport implements Disposable {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  readonly #socket: Socket;

  /** Takes ownership of a connected socket. */
  constructor(socket: Socket) {
    super(socket, {
      set wants(isWanted: boolean) {
        if (isWanted) socket.resume();
        else socket.pause();
      },
    });
    this.#socket = socket;
    socket.pause();
    this.localAddr = { transport: "tcp", hostname: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remoteAddr = { transport: "tcp", hostname: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
  }

  /** The socket, for another reader and writer; `undefined` if it has ended. It is still closed and reset here. */
  takeSocket(): Socket | undefined {
    return this.release() ? this.#socket : undefined;
  }

  setNoDelay(isOn: boolean): void {
    this.#socket.setNoDelay(isOn);
  }

  setKeepAlive(isOn: boolean): void {
    this.#socket.setKeepAlive(isOn);
  }

  /** Closes with a reset (RFC 9293, section 3.5.2). */
  reset(): boolean {
    this.#socket.resetAndDestroy();
    return true;
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Connects to a numeric address, optionally from a local one. */
export async function dialResettable(
  host: string,
  port: number,
  signal: AbortSignal,
  from?: { readonly host: string; readonly port: number },
): Promise<ResettableTransport> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection({
    host,
    port,
    allowHalfOpen: true,
    ...(from && { localAddress: from.host, ...(from.port > 0 ? { localPort: from.port } : {}) }),
  });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const onError = (error: Error) => reject(from === undefined ? error : asBindError(error, from.host));
  socket.once("connect", resolve);
  socket.once("error", onError);
  try {
    await promise;
    return new ResettableTransport(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.off("error", onError);
  }
}

/** A failed local bind says nothing about the server. */
function asBindError(error: Error, host: string): Error {
  if (!("syscall" in error) || error.syscall !== "bind") return error;
  const isInUse = hasCode(error, "EADDRINUSE");
  const why = isInUse ? "address already in use" : "not an address of this machine";
  return new BindError(isInUse ? "in use" : "not available", `Cannot bind to ${host}: ${why}`, { cause: error });
}
