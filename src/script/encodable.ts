import { type FrameError, UsageError } from "../base/errors.ts";

const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Whether the bytes are UTF-8 text (RFC 3629). */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    // A strict decoder throws only for invalid UTF-8.
    return false;
  }
}

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
