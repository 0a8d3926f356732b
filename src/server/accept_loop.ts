import { Backoff } from "../base/backoff.ts";
import { messageOf } from "../base/errors.ts";
import type { Admission } from "../guard/admission.ts";
import type { Connection } from "../net/connection.ts";
import type { Listener } from "../net/listener.ts";
import { isOutOfDescriptors } from "../net/socket_error.ts";
import { delay } from "../net/wait.ts";

/** What the accept loop tells its owner. */
export interface AcceptLoopOptions {
  /** Serves one connection; the loop does not wait for it. */
  onConnection: (connection: Connection) => void;
  /** Bounds the connections of the server; whoever serves a connection calls its `leave()`. */
  admission: Admission;
  /** Called for each failed accept. */
  onError?: (error: unknown) => void;
  /** Ends the waits of the loop; the listener must be closed to end an accept. */
  signal: AbortSignal;
}

/**
 * Accepts until the listener is closed. An error (out of file descriptors, a
 * connection aborted before it was accepted) ends neither the loop nor spins
 * it: it waits 10 ms, doubling to a second, and logs once a burst.
 */
export async function acceptLoop(listener: Listener, options: AcceptLoopOptions): Promise<void> {
  const { admission, signal } = options;
  const backoff = new Backoff({ first: 10, max: 1_000 });
  while (!signal.aborted) {
    try {
      // Before accepting, so that clients beyond the limit take no descriptor.
      await admission.waitForSlot(signal);
      if (signal.aborted) return;
      const connection = await listener.accept();
      if (connection === null) return;
      backoff.reset();
      // Another listener of the server may have taken the last place meanwhile.
      while (!admission.enter() && !signal.aborted) await admission.waitForSlot(signal);
      if (signal.aborted) return connection.close("drain");
      options.onConnection(connection);
    } catch (error) {
      options.onError?.(error);
      const isTold = isOutOfDescriptors(error) && admission.shrink();
      if (backoff.isFresh && !isTold) listener.log.error("accept failed, trying again", { error: messageOf(error) });
      await delay(backoff.next(), signal).catch(() => {
        // The signal: the loop's condition ends it.
      });
    }
  }
}
