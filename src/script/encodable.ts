import { isUtf8 } from "node:buffer";
import { type FrameError, UsageError } from "../base/errors.ts";

/**
 * Checks that a WebSocket text message is UTF-8, as RFC 6455 requires (section 5.6).
 *
 * @throws {SyntaxError} The message is not UTF-8.
 */
export function assertText(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) {
    throw new SyntaxError("Cannot send a text message: invalid UTF-8; send it as binary (--binary)");
  }
}

/** The framing cannot encode a message to send; not the peer's fault. */
export function notEncodable(error: FrameError): UsageError {
  return new UsageError(`${error.message} (--framing)`, { cause: error });
}
