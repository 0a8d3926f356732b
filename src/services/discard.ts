import { discardInput } from "./discard_input.ts";
import { defineService } from "./service.ts";

/** Throws away what comes and never answers (RFC 863). */
export const discard = defineService({
  name: "discard",
  summary: "throw away what comes",
  endpoints: ["tcp://127.0.0.1:9009"],
  framing: "raw",
  flags: {},
  examples: [{ words: "discard", does: "take bytes on 127.0.0.1:9009 and drop them (RFC 863)" }],
  create: () => ({ serve: (session) => discardInput(session) }),
});
