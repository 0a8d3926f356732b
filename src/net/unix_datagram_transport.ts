import type { DatagramTransport } from "./datagram.ts";
import { removeSocket, restrictSocket } from "./unix.ts";

interface Sending {
  readonly data: Uint8Array;
  readonly to: Deno.Addr;
  readonly done: PromiseWithResolvers<number>;
}

/**
 * A Unix datagram socket that can be sent on while it receives. The runtime's
 * cannot: a send during a receive, or a second send, fails as busy. So there
 * are two sockets of one name: the first is bound and its file removed, which
 * leaves it its name as a sender; the second is bound to the same path and
 * receives what is sent there.
 */
export class UnixDatagramTransport implements DatagramTransport {
  readonly #sender: Deno.DatagramConn;
  readonly #receiver: Deno.DatagramConn;
  readonly #queue: Sending[] = [];
  #isSending = false;

  private constructor(sender: Deno.DatagramConn, receiver: Deno.DatagramConn) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Binds both to a path that is free, the file with `mode`. */
  static async bind(path: string, mode: number): Promise<UnixDatagramTransport> {
    const sender = Deno.listenDatagram({ transport: "unixpacket", path });
    try {
      removeSocket(path);
      const receiver = Deno.listenDatagram({ transport: "unixpacket", path });
      await restrictSocket(path, mode);
      return new UnixDatagramTransport(sender, receiver);
    } catch (error) {
      sender.close();
      throw error;
    }
  }

  receive(buffer: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    return this.#receiver.receive(buffer);
  }

  send(data: Uint8Array, to: Deno.Addr): Promise<number> {
    const done = Promise.withResolvers<number>();
    this.#queue.push({ data, to, done });
    if (!this.#isSending) void this.#sendAll();
    return done.promise;
  }

  close(): void {
    this.#receiver.close();
    this.#sender.close();
    const closed = new Deno.errors.BadResource("the socket is closed");
    for (const { done } of this.#queue.splice(0)) done.reject(closed);
  }

  /** One after another: the queue is as long as its callers let it be. */
  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      await this.#sender.send(next.data, next.to).then(next.done.resolve, next.done.reject);
    }
    this.#isSending = false;
  }
}
