// Types of the two parts of `ws` that Parley uses; the package has none.
declare module "ws" {
  interface ReceiverOptions {
    isServer: boolean;
    maxPayload: number;
    maxFragments: number;
    maxBufferedChunks: number;
    allowSynchronousEvents: boolean;
  }

  /** An error of the receiver; `code` says which rule was broken. */
  interface ReceiverError extends Error {
    readonly code: string;
  }

  export class Receiver {
    constructor(options: ReceiverOptions);
    on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): this;
    on(event: "ping" | "pong", listener: (data: Uint8Array) => void): this;
    on(event: "conclude", listener: (code: number, reason: Uint8Array) => void): this;
    /** What a Node.js `Writable` calls for each chunk; the callback comes before it returns. */
    _write(chunk: Uint8Array, encoding: string, callback: (error?: ReceiverError | null) => void): void;
  }

  interface FrameOptions {
    readonly fin: boolean;
    readonly opcode: number;
    readonly mask: boolean;
    readonly readOnly: boolean;
    readonly rsv1: boolean;
  }

  export class Sender {
    /** The frame in one or two pieces: its head, and the data as it was given where that is not masked. */
    static frame(data: Uint8Array, options: FrameOptions): [Uint8Array] | [Uint8Array, Uint8Array];
  }
}
