import type { CloseReason } from "./close_reason.ts";
import type { Connection } from "./connection.ts";
import { startTimer } from "./wait.ts";

/**
 * Closes a connection so that the peer receives every byte: sends the queue, ends this side of the stream, then
 * discards input until the peer's end or a time limit. Closing with unread input would make the kernel send a reset,
 * which can destroy data that the peer has not read yet (RFC 1122, section 4.2.2.13).
 */
export async function lingeringClose(
  connection: Connection,
  options: { timeoutMs: number; reason?: CloseReason },
): Promise<void> {
  if (connection.closeReason !== undefined) return;
  const reason = options.reason ?? "done";
  // TLS ends a side with an alert; without it a strict peer reports a truncated stream (RFC 8446, section 6.1).
  const endsByAlert = connection.tls !== undefined;
  // The common case: both sides have ended, so no wait and no timer is needed.
  if (connection.isReadEnded && connection.queuedBytes === 0 && !endsByAlert) return connection.close(reason);
  using _timer = startTimer(options.timeoutMs, () => connection.close(reason));
  try {
    if (endsByAlert || !connection.isReadEnded) await connection.closeWrite();
    else await connection.flush();
    while (!connection.isReadEnded && await connection.read() !== null) {
      // Discarded.
    }
  } catch (error) {
    connection.log.debug("the peer closed the connection before the end", { error: String(error) });
  } finally {
    connection.close(reason);
  }
}
