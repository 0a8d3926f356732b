import { Buffer } from "node:buffer";
import type { OutputFile } from "../../output_file.ts";
import { isUtf8 } from "../utf8.ts";
import type { RecordingHead, RecordingLine, Side } from "./recording.ts";

/** Writes a conversation to a file as it happens: one JSON object a line, each with its time. */
export class Recorder {
  readonly #file: Pick<OutputFile, "write">;

  /** Begins a recording. */
  constructor(file: Pick<OutputFile, "write">, head: { endpoint: string; framing: string }) {
    this.#file = file;
    this.#write({ recording: 1, at: now(), ...head });
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

  #write(line: RecordingHead | RecordingLine): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }
}

function now(): string {
  return new Date().toISOString();
}
