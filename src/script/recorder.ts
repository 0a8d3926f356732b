import { Buffer } from "node:buffer";
import type { Message, Session } from "../session/session.ts";
import { typeName } from "./expectations.ts";
import { isUtf8 } from "./encodable.ts";
import type { RecordingHead, RecordingLine, Side } from "./recording.ts";

/** Where a recording goes: a file, line by line. */
interface TextSink {
  write(text: string): void;
}

/** Writes a conversation to a file as it happens: one JSON object a line, each with its time. */
export class Recorder {
  readonly #file: TextSink;
  readonly #kind: Session["kind"];

  /** Begins a recording. */
  constructor(file: TextSink, kind: Session["kind"], head: { endpoint: string; framing: string }) {
    this.#file = file;
    this.#kind = kind;
    this.#write({ recording: 1, at: now(), ...head });
  }

  /** A message of one side, or bytes of a stream. */
  data(from: Side, { data, isText }: Pick<Message, "data" | "isText">): void {
    const line = { at: now(), from, ...(this.#kind === "websocket" ? { type: typeName({ isText }) } : {}) };
    if (isUtf8(data)) this.#write({ ...line, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(data) });
    else this.#write({ ...line, base64: Buffer.from(data).toString("base64") });
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
