import { LimitError, ParleyError } from "../../../base/errors.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";

/** One connection under load: sends messages and takes their echoes; what it receives at a time is of type `R`. */
export interface Lane<R = unknown> {
  /** Sends `count` messages; the promise, where there is one, is settled when the next ones may be sent. */
  send(count: number): Promise<void> | undefined;
  /** Waits for what comes next. It goes to {@linkcode answersIn}: a promise more for each message would be felt. */
  receive(): Promise<R>;
  /**
   * How many answers are completed by what came.
   *
   * @throws {WrongAnswerError} What came is not what was sent.
   * @throws {ClosedEarlyError} The server ended.
   */
  answersIn(received: R): number;
  /** Closes it, over WebSocket by the closing handshake; with an error at once, and `receive()` throws that. */
  close(error?: Error): void | Promise<void>;
}

/** The server's answer is not the echo of what was sent. */
export class WrongAnswerError extends ParleyError {
  override name = "WrongAnswerError";
}

/** The server takes less than the load that was asked for. */
export function outboxFull(remote: Endpoint): LimitError {
  const endpoint = formatEndpoint(remote);
  return new LimitError(`${endpoint} reads too slowly: the outbox is full`, { endpoint });
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/**
 * A message of letters and digits that differs from connection to connection,
 * and at every place from the next: an answer that is shifted, or another
 * connection's, is seen.
 */
export function loadMessage(size: number, connection: number): Uint8Array {
  const message = new Uint8Array(size);
  for (let index = 0; index < Math.min(size, LETTERS.length); index++) {
    message[index] = LETTERS.charCodeAt((connection * 7 + index) % LETTERS.length);
  }
  // The rest repeats it: doubled each time, a gigabyte takes no longer than it takes to copy.
  for (let filled = LETTERS.length; filled < size; filled *= 2) message.copyWithin(filled, 0, filled);
  return message;
}
