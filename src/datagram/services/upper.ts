import { toUpperAscii } from "../../base/bytes.ts";
import { defineDatagramService } from "../service.ts";

/** Sends each datagram back with its ASCII letters in upper case. */
export const upper = defineDatagramService({
  name: "upper",
  summary: "send each datagram back in upper case",
  flags: {},
  create: () => ({ onDatagram: ({ data }) => toUpperAscii(data) }),
});
