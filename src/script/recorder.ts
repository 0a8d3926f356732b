import { isUtf8 } from "node:buffer";
import type { Message } from "../session/session.ts";
import type { ExchangeSession } from "./exchange.ts";
import { typeName } from "./expectations.ts";
import type { RecordingHead, RecordingLine, Side } from "./recording.ts";

/** The output of a recording: a file, line by line. */
interface TextSink {
  write(text: string): void;
}

/** Records sessions: one JSON object per line, each with its time. */
export class RecordingFile {
  readonly #file: TextSink;

  /** Writes the first line. */
  constructor(file: TextSink, head: { endpoint: string; framing: string }) {
    this.#file = file;
    this.#write({ recording: 1, at: now(), ...head });
  }

  /** Records a connection, identified by its number. */
  connection(kind: ExchangeSession["kind"], number?: number): Recorder {
    const own = number === undefined ? {} : { connection: number };
    return {
      data: (from, { data, isText }) => {
        const line = { at: now(), from, ...own, ...(kind === "websocket" ? { type: typeName({ isText }) } : {}) };
        if (isUtf8(data)) this.#write({ ...line, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(data) });
        else this.#write({ ...line, base64: data.toBase64() });
      },
      end: (from) => this.#write({ at: now(), from, ...own, end: true }),
    };
  }

  #write(line: RecordingHead | RecordingLine): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }
}

/** Records one connection. */
export interface Recorder {
  /** A message of one side, or bytes of a stream. */
  data(from: Side, message: Pick<Message, "data" | "isText">): void;
  /** The side has ended. */
  end(from: Side): void;
}

function now(): string {
  return new Date().toISOString();
}
