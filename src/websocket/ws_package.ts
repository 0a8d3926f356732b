/**
 * The parts of the package `ws` that Parley uses. The package has no types, and a declaration file would have to be
 * listed in the configuration of every program that imports the library.
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
  /** The negotiated extensions; decompression must complete synchronously. */
  extensions: { readonly "permessage-deflate"?: FragmentInflater };
}

/** An error of the receiver; `code` names the violated rule. */
interface ReceiverError extends Error {
  readonly code: string;
}

/** Decodes a stream and emits messages and control frames. */
interface Receiver {
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Uint8Array) => void): this;
  on(event: "conclude", listener: (code: number, reason: Uint8Array) => void): this;
  /** Called by a Node.js `Writable` for each chunk; the callback is called synchronously. */
  _write(chunk: Uint8Array, encoding: string, callback: (error?: ReceiverError | null) => void): void;
}

interface FrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: boolean;
  readonly readOnly: boolean;
  readonly rsv1: boolean;
}

/** The imported exports. */
export interface WsPackage {
  readonly Receiver: new (options: ReceiverOptions) => Receiver;
  readonly Sender: {
    /** The frame in one or two parts: its header, and the unmodified data if it is not masked. */
    frame(data: Uint8Array, options: FrameOptions): [Uint8Array] | [Uint8Array, Uint8Array];
  };
}
