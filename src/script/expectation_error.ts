import { ParleyError, type ParleyErrorOptions } from "../base/errors.ts";

/** The peer's reply was not the expected one; exit code 1. */
export class ExpectationError extends ParleyError {
  /** `"ExpectationError"`. */
  override name = "ExpectationError";
  /** The expected bytes, if the expectation is not a pattern. */
  readonly expected: Uint8Array | undefined;
  /** The received bytes that did not match. */
  readonly received: Uint8Array;
  /** Offset of `received` in the stream. */
  readonly offset: number;

  /** Creates an error from expected and received bytes. */
  constructor(
    message: string,
    options: ParleyErrorOptions & { expected?: Uint8Array | undefined; received: Uint8Array; offset?: number },
  ) {
    super(message, options);
    this.expected = options.expected;
    this.received = options.received;
    this.offset = options.offset ?? 0;
  }
}
