/** The part of `Deno.Conn` that a connection needs; tests pass a fake. */
export interface Transport {
  /** Reads into `bytes`; returns the count, or `null` at the end of the stream. */
  read(bytes: Uint8Array): Promise<number | null>;
  /** Writes some or all of `bytes`; returns the count. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends this side of the stream; the peer may continue to send, unless it `hasEnded`. */
  closeWrite(hasEnded?: boolean): Promise<void>;
  /** Closes the socket. */
  close(): void;
  /** Closes with a reset; returns `false` if it could only be closed normally. */
  reset?(): boolean;
  /** Makes operations under way keep the process alive. */
  ref?(): void;
  /** Lets the process end while operations are under way. */
  unref?(): void;
}

/** Closes with a reset if the transport can do that, otherwise normally; returns whether it was a reset. */
export function resetOrClose(transport: Transport): boolean {
  if (transport.reset !== undefined) return transport.reset();
  transport.close();
  return false;
}
