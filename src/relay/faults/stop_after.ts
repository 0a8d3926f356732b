import type { Ending, Stage, StageContext } from "./fault.ts";
import { onAbort } from "../../net/wait.ts";

/**
 * Forwards `limit` bytes, then ends the connection or stops forwarding while the fault is active (`stall`), which
 * exerts backpressure.
 */
export function stopAfter(
  limit: number,
  then: "close" | "reset" | "stall",
  { next, removed, offset }: StageContext,
): Stage {
  let missing = Math.max(0, limit - offset);
  let isEnded = false;
  return {
    async data(bytes, isText) {
      if (isEnded) return;
      if (removed.aborted) return await next.data(bytes, isText);
      const passed = bytes.subarray(0, isText ? characterBoundary(bytes, missing) : missing);
      if (passed.length > 0 || (bytes.length === 0 && missing > 0)) await next.data(passed, isText);
      missing -= Math.min(missing, bytes.length);
      // Ends at the limit, not at the first byte beyond it, which may never arrive.
      if (missing > 0) return;
      if (then !== "stall") {
        isEnded = true;
        return await next.end({ how: then });
      }
      if (passed.length === bytes.length && bytes.length > 0) return;
      await whenAborted(removed);
      await next.data(bytes.subarray(passed.length), isText);
    },
    async end(ending: Ending) {
      if (isEnded) return;
      if (then === "stall" && missing === 0 && ending.how === "end") await whenAborted(removed);
      await next.end(ending);
    },
  };
}

/** Settles when the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}

/** The last UTF-8 character boundary up to `length`. */
function characterBoundary(bytes: Uint8Array, length: number): number {
  let at = Math.min(length, bytes.length);
  while (at > 0 && at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}
