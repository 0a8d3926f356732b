import { FrameError, messageOf, ResetError } from "../base/errors.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { CLOSE_CODE } from "../session/close_code.ts";
import type { WebSocketSession } from "../websocket/session.ts";
import type { Ending, Flow } from "./faults/fault.ts";

/** One of the two connections that a relay joins. */
export interface Side {
  readonly connection: Connection;
  /** Whether it is a WebSocket, which ends both directions at once. */
  readonly isMessages: boolean;
  /** Reads to the end, forwards everything, and returns how it ended. Rejects if `flow` does. */
  pump(flow: Flow): Promise<Ending>;
  /** Sends bytes or one message and waits until they have been sent. */
  send(bytes: Uint8Array, isText: boolean): Promise<void>;
  /** Ends the relay's own direction. */
  endWrite(ending: Ending): Promise<void>;
  /** Closes it when the peer has received everything, or after a time limit. */
  close(reason: CloseReason): Promise<void>;
  abort(reason: CloseReason): void;
}

/** A side over TCP, TLS or a Unix socket. */
export class StreamSide implements Side {
  readonly isMessages = false;
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async pump(flow: Flow): Promise<Ending> {
    for (;;) {
      let bytes: Uint8Array | null;
      try {
        bytes = await this.connection.read();
      } catch (error) {
        return endingOf(this.connection, error);
      }
      if (bytes === null) return endingOf(this.connection);
      await flow.data(bytes, false);
    }
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.connection.write(bytes);
  }

  endWrite(): Promise<void> {
    return this.connection.closeWrite();
  }

  close(reason: CloseReason): Promise<void> {
    this.abort(reason);
    return Promise.resolve();
  }

  abort(reason: CloseReason): void {
    this.connection.close(reason);
  }
}

/** A side over WebSocket. */
export class MessageSide implements Side {
  readonly isMessages = true;
  readonly connection: Connection;
  readonly #session: WebSocketSession;

  constructor(connection: Connection, session: WebSocketSession) {
    this.connection = connection;
    this.#session = session;
  }

  async pump(flow: Flow): Promise<Ending> {
    for (;;) {
      let messages: Awaited<ReturnType<WebSocketSession["receive"]>>;
      try {
        messages = await this.#session.receive();
      } catch (error) {
        if (error instanceof FrameError) {
          this.connection.log.warning("bad message, closing", { error: messageOf(error) });
          await this.#session.finish("bad message");
          return { how: "reset" };
        }
        return this.connection.isReadEnded ? { how: "end", isCut: true } : endingOf(this.connection, error);
      }
      if (messages === null) {
        const { closeFrame } = this.#session;
        if (closeFrame !== undefined) return { how: "end", frame: closeFrame };
        return { ...endingOf(this.connection), isCut: true };
      }
      for (const { data, isText } of messages) await flow.data(data, isText);
    }
  }

  send(bytes: Uint8Array, isText: boolean): Promise<void> {
    return this.#session.write(bytes, isText);
  }

  async endWrite({ frame = { code: CLOSE_CODE.normal, text: "" }, isCut }: Ending): Promise<void> {
    if (isCut) await this.connection.closeWrite();
    else this.#session.sendClose(frame);
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.connection.isReadEnded) this.connection.close(reason);
    await this.#session.finish(reason);
  }

  abort(reason: CloseReason): void {
    this.#session.close(reason);
  }
}

/** How a connection ended that can no longer be read. */
function endingOf(connection: Connection, error?: unknown): Ending {
  const isReset = error instanceof ResetError || connection.closeReason === "reset";
  if (isReset) return { how: "reset" };
  // Otherwise this process has closed it, because of a limit or a shutdown.
  return { how: error === undefined && connection.isReadEnded ? "end" : "close" };
}
