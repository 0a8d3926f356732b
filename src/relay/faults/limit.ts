import { defineFault } from "./fault.ts";
import { stopAfter } from "./stop_after.ts";

/** Ends the connection after a number of bytes. */
export const limit = defineFault({
  name: "limit",
  summary: "forward SIZE bytes, then close, reset or stall",
  needsFirst: true,
  attributes: {
    bytes: { type: "size", help: "bytes that are forwarded" },
    then: { type: "choice", choices: ["close", "reset", "stall"], default: "close", help: "what follows them" },
  },
  stage: ({ bytes = 0, then }, context) =>
    stopAfter(bytes, then === "reset" || then === "stall" ? then : "close", context),
});
