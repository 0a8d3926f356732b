import { preview } from "../../../base/bytes.ts";
import { ClosedEarlyError } from "../../../base/errors.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import type { Message, Session } from "../../../session/session.ts";
import { closeFrameText, leave } from "../../../websocket/close_frame.ts";
import { type Lane, outboxFull, WrongAnswerError } from "./lane.ts";

/** Answers up to this are compared byte by byte, longer ones at both ends. */
const COMPARED_BYTES = 1024;

/** A lane over a session that has messages of its own: WebSocket. */
export class MessageLane implements Lane<readonly Message[] | null> {
  readonly #session: Session;
  readonly #message: Uint8Array;
  #due = 0;
  #error: Error | undefined;

  /** `message` is what each message holds. */
  constructor(session: Session, message: Uint8Array) {
    this.#session = session;
    this.#message = message;
  }

  send(count: number): undefined {
    this.#due += count;
    // Queued: what is sent in one turn leaves in one write.
    for (let index = 0; index < count; index++) {
      if (!this.#session.send(this.#message, false)) {
        this.close(outboxFull(this.#session.remote));
        break;
      }
    }
    return undefined;
  }

  receive(): Promise<readonly Message[] | null> {
    return this.#session.receive();
  }

  answersIn(messages: readonly Message[] | null): number {
    if (messages === null) throw this.#error ?? this.#endedEarly();
    this.#due -= messages.length;
    if (this.#due < 0) throw this.#wrong(`${-this.#due} messages more than were sent`);
    for (const { data } of messages) this.#compare(data);
    return messages.length;
  }

  close(error?: Error): void | Promise<void> {
    if (error === undefined) return leave(this.#session);
    this.#error ??= error;
    this.#session.close("error", error);
  }

  #compare(data: Uint8Array): void {
    const message = this.#message;
    if (data.length !== message.length) throw this.#wrong(`${data.length} bytes for ${message.length}`);
    for (let index = 0; index < data.length; index++) {
      if (index === COMPARED_BYTES / 2 && data.length > COMPARED_BYTES) index = data.length - COMPARED_BYTES / 2;
      if (data[index] !== message[index]) throw this.#wrong(`"${preview(data.subarray(index), 40)}"`);
    }
  }

  #wrong(what: string): WrongAnswerError {
    const endpoint = formatEndpoint(this.#session.remote);
    return new WrongAnswerError(`${endpoint} did not echo what was sent: ${what}`, { endpoint });
  }

  #endedEarly(): ClosedEarlyError {
    const endpoint = formatEndpoint(this.#session.remote);
    const why = closeFrameText(this.#session);
    const message = `${endpoint} ended the connection with ${this.#due} messages to come${why}`;
    return new ClosedEarlyError(message, { endpoint });
  }
}
