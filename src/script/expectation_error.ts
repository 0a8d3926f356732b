import { ParleyError, type ParleyErrorOptions } from "../base/errors.ts";

/** The peer answered, but not as expected: exit code 1. */
export class ExpectationError extends ParleyError {
  /** `"ExpectationError"`. */
  override name = "ExpectationError";
  /** What was expected, where that is a row of bytes. */
  readonly expected: Uint8Array | undefined;
  /** What came and matched nothing. */
  readonly received: Uint8Array;

  /** Makes one from what was expected and what came. */
  constructor(message: string, options: ParleyErrorOptions & { expected?: Uint8Array; received: Uint8Array }) {
    super(message, options);
    this.expected = options.expected;
    this.received = options.received;
  }
}
