import { Logger } from "../../log/logger.ts";
import type { Connection } from "../../net/connection.ts";
import { formatEndpoint, isWebSocket } from "../../net/endpoint.ts";
import type { Tap } from "../../relay/mod.ts";
import { RecordingFile } from "../../script/recorder.ts";
import { OutputFile } from "../output_file.ts";

/** Records relayed connections: each in its own file if the name contains `{n}`, otherwise only the first one. */
export class ConnectionRecorder implements Disposable {
  readonly #path: string;
  readonly #open = new Set<OutputFile>();
  #count = 0;
  /** Opened immediately, so that an invalid name is reported before anything is served. */
  #first: OutputFile | undefined;

  constructor(path: string) {
    this.#path = path;
    if (!this.#isForAll) this.#first = this.#openFile(path);
  }

  /** Creates the recorder of a connection. */
  tap(connection: Connection): Tap | undefined {
    this.#count++;
    if (!this.#isForAll && this.#count > 1) {
      if (this.#count === 2) {
        Logger.of("relay").warning("only the first connection is recorded; use {n} in the file name to record all");
      }
      return undefined;
    }
    const file = this.#first ?? this.#openFile(this.#path.replaceAll("{n}", String(connection.id)));
    const { local } = connection;
    const recording = new RecordingFile(file, { endpoint: formatEndpoint(local), framing: "raw" });
    const recorder = recording.connection(isWebSocket(local) ? "websocket" : "stream");
    return {
      data: (from, data, isText) => recorder.data(from, { data, isText }),
      end: (from) => recorder.end(from),
      close: () => this.#close(file),
    };
  }

  [Symbol.dispose](): void {
    for (const file of this.#open) this.#close(file);
  }

  get #isForAll(): boolean {
    return this.#path.includes("{n}");
  }

  #openFile(path: string): OutputFile {
    const file = OutputFile.open(path, "the recording");
    this.#open.add(file);
    return file;
  }

  #close(file: OutputFile): void {
    if (this.#open.delete(file)) file[Symbol.dispose]();
  }
}
