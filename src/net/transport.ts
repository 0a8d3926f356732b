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
  /** Closes so that the peer sees a reset; `false` if it was closed in another way. */
  reset?(): boolean;
  /** Makes operations under way keep the process alive. */
  ref?(): void;
  /** Lets the process end while operations are under way. */
  unref?(): void;
}
