import { defineFault } from "./fault.ts";

/** Accepts late: the target is dialled, and the client read, after a time. */
export const delayAccept = defineFault({
  name: "delay-accept",
  summary: "wait TIME before the target is dialled",
  needsFirst: true,
  attributes: {
    time: { type: "duration", help: "time from the client's connection" },
  },
  async accept({ time = 0 }, { clock, signal }) {
    await clock.delay(time, signal);
    return true;
  },
});
