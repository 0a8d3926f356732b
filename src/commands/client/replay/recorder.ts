import { Buffer } from "node:buffer";
import { messageOf, ParleyError, PermissionError } from "../../../base/errors.ts";
import { isUtf8 } from "../utf8.ts";
import type { RecordingHead, RecordingLine, Side } from "./recording.ts";

/** Writes a conversation to a file as it happens: one JSON object a line, each with its time. */
export class Recorder implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;

  private constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * Begins a recording; a file that is there is replaced.
   *
   * @throws {PermissionError} The sandbox forbids it; the message names the permission.
   */
  static open(path: string, head: { endpoint: string; framing: string }): Recorder {
    try {
      const file = Deno.openSync(path, { write: true, create: true, truncate: true });
      const recorder = new Recorder(file, path);
      recorder.#write({ recording: 1, at: now(), ...head });
      return recorder;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotCapable)) throw failure(path, cause);
      const message = `Cannot write the recording ${path}: the permission --allow-write=${path} is missing`;
      throw new PermissionError(message, { cause });
    }
  }

  /** Bytes of one side. */
  data(from: Side, bytes: Uint8Array): void {
    const at = now();
    if (isUtf8(bytes)) this.#write({ at, from, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) });
    else this.#write({ at, from, base64: Buffer.from(bytes).toString("base64") });
  }

  /** The side has ended. */
  end(from: Side): void {
    this.#write({ at: now(), from, end: true });
  }

  /** Ends the recording. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #write(line: RecordingHead | RecordingLine): void {
    let rest = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
    try {
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (cause) {
      throw failure(this.#path, cause);
    }
  }
}

function now(): string {
  return new Date().toISOString();
}

function failure(path: string, cause: unknown): Error {
  return new ParleyError(`Cannot write the recording ${path}: ${messageOf(cause)}`, { cause });
}
