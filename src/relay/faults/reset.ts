import { defineFault, type Stage } from "./fault.ts";
import { stopAfter } from "./stop_after.ts";

/** Resets the connection. */
export const reset = defineFault({
  name: "reset",
  summary: "reset the connection immediately, after SIZE bytes, or after a time",
  attributes: {
    after: { type: "size", help: "bytes that are forwarded before" },
    time: { type: "duration", help: "time since the connection was opened" },
  },
  stage({ after, time = after === undefined ? 0 : undefined }, context): Stage {
    const { next, clock, removed } = context;
    let isEnded = false;
    if (time !== undefined) {
      void clock.delay(time, removed).then(() => {
        if (removed.aborted) return;
        isEnded = true;
        return next.end({ how: "reset" });
      });
    }
    const stage: Stage = after === undefined ? next : stopAfter(after, "reset", context);
    return {
      data: (bytes, isText) => isEnded ? Promise.resolve() : stage.data(bytes, isText),
      end: (ending) => isEnded ? Promise.resolve() : stage.end(ending),
    };
  },
});
