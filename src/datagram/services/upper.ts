import { toUpperAscii } from "../../base/bytes.ts";
import { defineDatagramService } from "../service.ts";

/** Sends each datagram back with its ASCII letters in upper case; other bytes stay as they are. */
export const upper = defineDatagramService({
  name: "upper",
  summary: "send each datagram back in upper case",
  flags: {},
  create: () => ({ onDatagram: ({ data }) => toUpperAscii(data) }),
});
