/**
 * TCP over `node:net`, for connections that can be reset: the runtime's own sockets send a FIN before they close,
 * regardless of SO_LINGER, so the peer sees an orderly end.
 *
 * @module
 */

import { createConnection, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { BindError, hasCode } from "../base/errors.ts";
import { StreamTransport } from "./node_stream.ts";
import type { Acceptor } from "./listener.ts";

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
      whenWritten: (then) => then(),
    });
    this.#socket = socket;
    socket.pause();
    this.localAddr = { transport: "tcp", hostname: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remoteAddr = { transport: "tcp", hostname: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
  }

  setNoDelay(isOn: boolean): void {
    this.#socket.setNoDelay(isOn);
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

/** Accepts connections that can be reset. It accepts from the kernel eagerly, not once per call. */
export class ResettableAcceptor implements Acceptor {
  readonly addr: Deno.NetAddr;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  #next: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    const { address: hostname, port } = typeof address === "object" && address ? address : { address: "", port: 0 };
    this.addr = { transport: "tcp", hostname, port };
    server.on("connection", (socket) => {
      this.#waiting.push(socket);
      this.#next?.resolve();
    });
  }

  /** Listens on a numeric address. */
  static listen(where: Pick<ListenOptions, "host" | "port" | "backlog" | "reusePort">): Promise<ResettableAcceptor> {
    return ResettableAcceptor.#open(where);
  }

  /**
   * Accepts on an inherited listening TCP socket.
   *
   * @throws {BindError} The descriptor is not a listening TCP socket.
   */
  static async adopt(descriptor: number): Promise<ResettableAcceptor> {
    const why = `descriptor ${descriptor} is not a listening TCP socket of this process`;
    const fail = (cause?: unknown) =>
      new BindError("not available", `Cannot listen on fd:${descriptor}: ${why}`, {
        cause,
        endpoint: `fd:${descriptor}`,
      });
    const acceptor = await ResettableAcceptor.#open({ fd: descriptor }).catch((error: unknown) => {
      throw fail(error);
    });
    if (acceptor.addr.port > 0) return acceptor;
    acceptor.close();
    throw fail();
  }

  static async #open(where: ListenOptions & { fd?: number }): Promise<ResettableAcceptor> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(where, resolve);
    await promise;
    server.off("error", reject);
    return new ResettableAcceptor(server);
  }

  async accept(): Promise<ResettableTransport> {
    while (!this.#isClosed) {
      const socket = this.#waiting.shift();
      if (socket !== undefined) return new ResettableTransport(socket);
      this.#next = Promise.withResolvers();
      await this.#next.promise;
    }
    throw new Deno.errors.BadResource("the listener is closed");
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#server.close();
    this.#next?.resolve();
  }
}
