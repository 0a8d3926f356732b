/** What a stream needs of a connection. */
interface Ends {
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  write(bytes: Uint8Array): Promise<void>;
  closeWrite(): Promise<void>;
  close(reason: "aborted"): void;
}

/** A stream of copies of what is read; cancelling it closes the connection. */
export function readableOf(connection: Ends): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const bytes = await connection.read();
      if (bytes === null) controller.close();
      else controller.enqueue(bytes.slice());
    },
    cancel: () => connection.close("aborted"),
  }, { highWaterMark: 0 });
}

/** A stream that writes and, at its end, ends our side; aborting it closes the connection. */
export function writableOf(connection: Ends): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (bytes) => connection.write(bytes),
    close: () => connection.closeWrite(),
    abort: () => connection.close("aborted"),
  });
}
