/**
 * Standard output without blocking: a reader that stops reading delays neither signals nor deadlines.
 *
 * @module
 */

import { concat, toBytes } from "../base/bytes.ts";
import { onAbort, startTimer } from "../net/wait.ts";
import { StoppedError } from "./exit_codes.ts";
import type { ProgramIo } from "./io.ts";

/** How long the reader may take for the last output of a program that a signal or a failure ends, in milliseconds. */
export const LAST_OUTPUT_MS = 1_000;

/** Maximum bytes that wait in a queue before its source is held back. */
const MAX_WAITING_BYTES = 64 * 1024;

type Streams = Pick<ProgramIo, "stdout" | "stop">;

/** A signal ended the program, and the reader of standard output did not take its last output. */
export class UnreadOutputError extends StoppedError {
  override name = "UnreadOutputError";
}

/**
 * Prints data and waits until the reader has taken it.
 *
 * @throws {UnreadOutputError} It did not within {@linkcode LAST_OUTPUT_MS} of the first signal.
 */
export async function print({ stdout, stop }: Streams, data: string | Uint8Array): Promise<void> {
  // A terminal is not left unread, and standard error is written to it synchronously.
  if (stdout.isTerminal) return stdout.write(data);
  const late = Promise.withResolvers<never>();
  using owner = new DisposableStack();
  const onLate = () => late.reject(new UnreadOutputError(stop.signal.reason.signal));
  owner.use(onAbort(stop.signal, () => void owner.use(startTimer(LAST_OUTPUT_MS, onLate))));
  await Promise.race([stdout.writeAsync(toBytes(data)), late.promise]);
}

/** Prints in order while its source continues. */
export class PrintQueue {
  readonly #streams: Streams;
  readonly #failed = new AbortController();
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #printing: Promise<void> | undefined;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /** Aborts with the error of the first print that fails; nothing is printed after it. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Backpressure: if set, the source must not continue until it settles. */
  get held(): Promise<void> | undefined {
    return this.#waitingBytes > MAX_WAITING_BYTES ? this.#printing : undefined;
  }

  /** Adds data, which must not change afterwards. */
  print(data: string | Uint8Array): void {
    if (this.failed.aborted) return;
    if (this.#streams.stdout.isTerminal) return this.#streams.stdout.write(data);
    const bytes = toBytes(data);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#printing ??= this.#printAll();
  }

  /**
   * Waits until the reader has taken everything, or has not in time after a signal.
   *
   * @throws The error of the print that failed.
   */
  async end(): Promise<void> {
    await this.#printing;
    const { aborted, reason } = this.failed;
    if (aborted && !(reason instanceof UnreadOutputError)) throw reason;
  }

  async #printAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = concat(this.#waiting.splice(0));
        this.#waitingBytes = 0;
        await print(this.#streams, batch);
      }
    } catch (error) {
      this.#failed.abort(error);
    }
    this.#printing = undefined;
  }
}
