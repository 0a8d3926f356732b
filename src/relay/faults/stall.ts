import { defineFault } from "./fault.ts";
import { stopAfter } from "./stop_after.ts";

/** A half-open connection: accepted, and nothing is forwarded. */
export const stall = defineFault({
  name: "stall",
  summary: "forward nothing, and stop reading from the sender",
  attributes: {
    after: { type: "size", default: 0, help: "bytes that are forwarded before" },
  },
  stage: ({ after }, context) => stopAfter(after, "stall", context),
});
