import { defineFault, REMOVED } from "./fault.ts";
import { onAbort } from "../../net/wait.ts";

/** Drops all data and ends the connection after a time. */
export const timeout = defineFault({
  name: "timeout",
  summary: "drop all bytes, and close the connection after TIME",
  attributes: {
    time: { type: "duration", default: 0, help: "0 never closes it" },
    then: { type: "choice", choices: ["close", "reset"], default: "close", help: "how it ends" },
  },
  stage({ time, then }, { next, clock, removed }) {
    let isEnded = false;
    if (time > 0) {
      void clock.delay(time, removed).then(() => {
        if (isEnded || removed.aborted) return;
        isEnded = true;
        return next.end({ how: then === "reset" ? "reset" : "close" });
      });
    }
    // Data was dropped, so the connection cannot continue without this fault.
    onAbort(removed, () => {
      if (!isEnded && removed.reason === REMOVED) void next.end({ how: "close" });
    });
    return {
      data: () => Promise.resolve(),
      async end(ending) {
        if (isEnded) return;
        isEnded = true;
        await next.end(ending);
      },
    };
  },
});
