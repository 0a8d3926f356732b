import type { TlsFacts } from "./tls_facts.ts";

/** What a connection needs of a `Deno.Conn`; a test gives a fake. */
export interface Transport {
  /** Reads into `bytes`; the count, or `null` at the peer's end. */
  read(bytes: Uint8Array): Promise<number | null>;
  /** Writes some or all of `bytes`; the count. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends our side of the stream; the peer may go on sending. */
  closeWrite(): Promise<void>;
  /** Gives the socket back. */
  close(): void;
  /** Closes so that the peer sees a reset; `false` where it was closed in another way. */
  reset?(): boolean;
  /** Completes a handshake of its own, where it has one; a second call gives the outcome of the first. */
  handshake?(): Promise<void>;
  /** What a TLS handshake agreed on, once it is done. */
  readonly tls?: TlsFacts | undefined;
}
