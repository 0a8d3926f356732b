import { Backoff } from "../base/backoff.ts";
import { messageOf } from "../base/errors.ts";
import type { Admission } from "../guard/admission.ts";
import type { Connection } from "../net/connection.ts";
import type { Listener } from "../net/listener.ts";
import { isOutOfDescriptors } from "../net/socket_error.ts";
import { pause } from "../net/wait.ts";

/** Options of {@linkcode acceptLoop}. */
interface AcceptLoopOptions {
  /** Serves a connection; the loop does not wait for it. */
  onConnection: (connection: Connection) => void;
  /** Limits the server's connections; `onConnection` must call `leave()` at the end. */
  admission: Admission;
  /** Called for each failed accept. */
  onError?: (error: unknown) => void;
  /** Ends the loop's waits; to end a pending accept, close the listener. */
  signal: AbortSignal;
}

/**
 * Accepts until the listener is closed. After an error, such as too many open files or an aborted connection, it waits
 * 10 ms, doubling up to a second, and logs once per series.
 */
export async function acceptLoop(listener: Listener, options: AcceptLoopOptions): Promise<void> {
  const { admission, signal } = options;
  const backoff = new Backoff({ first: 10, max: 1_000 });
  while (!signal.aborted) {
    try {
      // Waits before accepting, so that clients beyond the limit use no descriptor.
      if (admission.open >= admission.maxConnections) await admission.waitForSlot(signal);
      if (signal.aborted) return;
      const connection = await listener.accept();
      if (connection === null) return;
      backoff.reset();
      // Another listener may have taken the last slot meanwhile.
      while (!admission.enter() && !signal.aborted) await admission.waitForSlot(signal);
      if (signal.aborted) return connection.close("drain");
      options.onConnection(connection);
    } catch (error) {
      options.onError?.(error);
      const isLogged = isOutOfDescriptors(error) && admission.shrink();
      if (backoff.isFresh && !isLogged) listener.log.error("accept failed, trying again", { error: messageOf(error) });
      await pause(backoff.next(), signal);
    }
  }
}
