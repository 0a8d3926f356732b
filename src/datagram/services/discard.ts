import { defineDatagramService } from "../service.ts";

/** Discards every datagram (RFC 863). */
export const discard = defineDatagramService({
  name: "discard",
  summary: "discard every datagram",
  flags: {},
  create: () => ({ onDatagram: () => undefined }),
});
