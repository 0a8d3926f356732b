import { discardInput } from "./discard_input.ts";
import { defineService } from "./service.ts";

/** Throws away what comes and never answers (RFC 863). */
export const discard = defineService({
  endpoints: ["tcp://127.0.0.1:9009"],
  framing: "raw",
  flags: {},
  create: () => ({ serve: (session) => discardInput(session) }),
});
