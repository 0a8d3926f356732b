import { ParleyError, type ParleyErrorOptions } from "../base/errors.ts";

/** The peer answered, but not as expected: exit code 1. */
export class ExpectationError extends ParleyError {
  /** `"ExpectationError"`. */
  override name = "ExpectationError";
  /** What was expected, where that is a row of bytes. */
  readonly expected: Uint8Array | undefined;
  /** What came and matched nothing. */
  readonly received: Uint8Array;
  /** Where in a stream `received` begins, in bytes from its start. */
  readonly offset: number;

  /** Creates one from what was expected and what came. */
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
