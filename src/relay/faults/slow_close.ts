import { defineFault } from "./fault.ts";

/** Delays the end. */
export const slowClose = defineFault({
  name: "slow-close",
  summary: "forward the end of the stream TIME later",
  needsFirst: true,
  attributes: {
    time: { type: "duration", help: "delay of the end" },
  },
  stage: ({ time = 0 }, { next, clock, removed }) => ({
    data: (bytes, isText) => next.data(bytes, isText),
    async end(ending) {
      if (ending.how === "end" && !removed.aborted) await clock.delay(time, removed);
      await next.end(ending);
    },
  }),
});
