import type { DatagramTransport } from "./datagram.ts";
import { removeSocket, restrictSocket, SocketFile } from "./unix.ts";

/**
 * A Unix datagram socket that can send while it receives; the runtime's own fails as busy. It uses two sockets with one
 * name: the first, which sends, keeps its name although its file is removed after binding; the second is bound to the
 * same path and receives.
 */
export class UnixDatagramTransport implements DatagramTransport {
  readonly #sender: Deno.DatagramConn;
  readonly #receiver: Deno.DatagramConn;
  readonly #file: SocketFile;

  private constructor(path: string, sender: Deno.DatagramConn, receiver: Deno.DatagramConn) {
    this.#file = new SocketFile(path);
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Binds both sockets to an unused path; the file gets `mode`. */
  static async bind(path: string, mode: number): Promise<UnixDatagramTransport> {
    const sender = Deno.listenDatagram({ transport: "unixpacket", path });
    try {
      removeSocket(path);
      const receiver = Deno.listenDatagram({ transport: "unixpacket", path });
      await restrictSocket(path, mode);
      return new UnixDatagramTransport(path, sender, receiver);
    } catch (error) {
      sender.close();
      throw error;
    }
  }

  receive(buffer: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    return this.#file.during(this.#receiver.receive(buffer));
  }

  send(data: Uint8Array, to: Deno.Addr): Promise<number> {
    return this.#sender.send(data, to);
  }

  close(): void {
    this.#file.close(() => {
      this.#receiver.close();
      this.#sender.close();
    });
  }
}
