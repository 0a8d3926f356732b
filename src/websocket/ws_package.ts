/**
 * The parts of the package `ws` that Parley uses. The package has no types, and
 * a declaration file would have to be named in the configuration of every
 * program that imports the library.
 *
 * @module
 */

import type { FragmentInflater } from "./deflate.ts";

interface ReceiverOptions {
  isServer: boolean;
  maxPayload: number;
  maxFragments: number;
  maxBufferedChunks: number;
  allowSynchronousEvents: boolean;
  /** The extensions that were agreed on; what decompresses a message does so before it returns. */
  extensions: { readonly "permessage-deflate"?: FragmentInflater };
}

/** An error of the receiver; `code` says which rule was broken. */
interface ReceiverError extends Error {
  readonly code: string;
}

/** Takes the bytes of a stream, emits messages and control frames. */
export interface Receiver {
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

/** What is imported of the package. */
export interface WsPackage {
  readonly Receiver: new (options: ReceiverOptions) => Receiver;
  readonly Sender: {
    /** The frame in one or two pieces: its head, and the data as it was given where that is not masked. */
    frame(data: Uint8Array, options: FrameOptions): [Uint8Array] | [Uint8Array, Uint8Array];
  };
}
