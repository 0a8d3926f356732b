import type { CloseReason } from "./close_reason.ts";
import type { Connection } from "./connection.ts";

/**
 * Closes a connection so that the peer gets every byte: sends what is queued,
 * ends our side, then reads and drops until the peer's end, for a bounded
 * time. Closing with bytes unread would make the kernel send a reset, which
 * can destroy what the peer has not read (RFC 1122, section 4.2.2.13).
 */
export async function lingeringClose(
  connection: Connection,
  options: { timeoutMs: number; reason?: CloseReason },
): Promise<void> {
  if (connection.closeReason !== undefined) return;
  const reason = options.reason ?? "done";
  // Both sides are through, as most are here: nothing to wait for, and no timer for it.
  if (connection.isReadEnded && connection.queuedBytes === 0) return connection.close(reason);
  const timer = setTimeout(() => connection.close(reason), options.timeoutMs);
  try {
    if (connection.isReadEnded) {
      await connection.flush();
    } else {
      await connection.closeWrite();
      while (await connection.read() !== null) {
        // Dropped: the conversation is over.
      }
    }
  } catch (error) {
    connection.log.debug("the peer closed the connection before the end", { error: String(error) });
  } finally {
    clearTimeout(timer);
    connection.close(reason);
  }
}
