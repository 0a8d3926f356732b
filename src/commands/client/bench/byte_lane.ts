import { preview } from "../../../base/bytes.ts";
import { ClosedEarlyError, messageOf } from "../../../base/errors.ts";
import type { Connection } from "../../../net/connection.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import { type Lane, outboxFull, WrongAnswerError } from "./lane.ts";
import { WholeMatch } from "./whole_match.ts";

/** As much as any socket takes without being read at the other end. */
const SAFE_BYTES = 16 * 1024;
/** Answers up to this are compared byte by byte, longer ones at both ends. */
const COMPARED_BYTES = 1024;

/**
 * A lane over a stream of bytes. The echo of a framed message has the same
 * bytes as the message, so no decoder stands in the hot loop.
 */
export class ByteLane implements Lane<Uint8Array | null> {
  readonly #connection: Connection;
  readonly #message: Uint8Array;
  readonly #whole: WholeMatch;
  readonly #batch: Uint8Array;
  readonly #mayWait: boolean;
  /** Bytes that are still to come back. */
  #due = 0;
  /** Place in the message of the next byte. */
  #at = 0;

  /** `message` is as it goes over the wire; `depth` of them may leave at once. */
  constructor(connection: Connection, message: Uint8Array, depth: number) {
    this.#connection = connection;
    this.#message = message;
    this.#whole = new WholeMatch(message);
    this.#batch = new Uint8Array(message.length * depth);
    for (let index = 0; index < depth; index++) this.#batch.set(message, index * message.length);
    this.#mayWait = this.#batch.length <= SAFE_BYTES;
  }

  send(count: number): Promise<void> | undefined {
    const length = count * this.#message.length;
    this.#due += length;
    if (length === this.#batch.length && this.#mayWait) return this.#connection.write(this.#batch);
    if (length < this.#batch.length && this.#mayWait) return this.#connection.write(this.#batch.subarray(0, length));
    // To wait until the server has taken it all, without reading what it answers, could be to wait for ever.
    for (let rest = length; rest > 0; rest -= this.#batch.length) {
      if (!this.#connection.send(this.#batch.subarray(0, Math.min(rest, this.#batch.length)))) {
        this.close(outboxFull(this.#connection.remote));
        break;
      }
    }
    return undefined;
  }

  receive(): Promise<Uint8Array | null> {
    return this.#connection.read();
  }

  answersIn(bytes: Uint8Array | null): number {
    if (bytes === null) throw this.#endedEarly();
    this.#due -= bytes.length;
    if (this.#due < 0) throw this.#wrong(`${-this.#due} bytes more than were sent`);
    const at = this.#at;
    if (at === 0 && this.#whole.matches(bytes)) return 1;
    if (bytes.length <= COMPARED_BYTES) {
      this.#compare(bytes, at);
    } else {
      const tail = bytes.length - COMPARED_BYTES / 2;
      this.#compare(bytes.subarray(0, COMPARED_BYTES / 2), at);
      this.#compare(bytes.subarray(tail), (at + tail) % this.#message.length);
    }
    const end = at + bytes.length;
    const answered = Math.floor(end / this.#message.length);
    this.#at = end - answered * this.#message.length;
    return answered;
  }

  close(error?: Error): void {
    this.#connection.close(error === undefined ? "done" : "error", error);
  }

  #compare(bytes: Uint8Array, from: number): void {
    const message = this.#message;
    let at = from;
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] !== message[at]) throw this.#wrong(`"${preview(bytes.subarray(index), 40)}"`);
      if (++at === message.length) at = 0;
    }
  }

  #wrong(what: string): WrongAnswerError {
    const endpoint = formatEndpoint(this.#connection.remote);
    return new WrongAnswerError(`${endpoint} did not echo what was sent: ${what}`, { endpoint });
  }

  #endedEarly(): ClosedEarlyError {
    const endpoint = formatEndpoint(this.#connection.remote);
    const cause = this.#connection.closeError;
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    return new ClosedEarlyError(`${endpoint} ended the connection with ${this.#due} bytes to come${why}`, {
      endpoint,
      cause,
    });
  }
}
