import { defineDatagramService } from "../service.ts";

/** Sends each datagram back (RFC 862). */
export const echo = defineDatagramService({
  name: "echo",
  summary: "send each datagram back",
  flags: {},
  create: () => ({ onDatagram: ({ data }) => data }),
});
