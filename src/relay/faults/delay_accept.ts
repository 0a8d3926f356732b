import { defineFault } from "./fault.ts";

/** Delays the connection to the target and reading from the client. */
export const delayAccept = defineFault({
  name: "delay-accept",
  summary: "wait TIME before connecting to the target",
  needsFirst: true,
  attributes: {
    time: { type: "duration", help: "time from the client's connection" },
  },
  async accept({ time = 0 }, { clock, signal }) {
    await clock.delay(time, signal);
    return true;
  },
});
