import { defineDatagramService } from "../service.ts";

/** Takes datagrams and answers none (RFC 863). */
export const discard = defineDatagramService({
  name: "discard",
  summary: "take datagrams and answer none",
  flags: {},
  create: () => ({ onDatagram: () => undefined }),
});
