import type { FlagTable, FlagValues } from "../../../base/flag_spec.ts";
import { LOG_FLAGS } from "../shared_flags.ts";

/** Flags of `parley-udp send`. */
export const SEND_FLAGS = {
  hex: { type: "text", placeholder: "HEX", help: "send these bytes instead of DATA" },
  file: { type: "text", placeholder: "FILE", help: "send what FILE holds instead of DATA, as one datagram" },
  literal: { type: "boolean", help: "DATA has no escapes" },
  count: { type: "integer", least: 1, default: 1, short: "c", help: "send N datagrams" },
  interval: { type: "duration", default: "10ms", short: "i", help: "between one datagram and the next" },
  timeout: { type: "duration", default: "2s", short: "t", help: "wait TIME for the reply to one try" },
  retries: { type: "integer", default: 0, help: "try a datagram without a reply N more times" },
  oneWay: { type: "boolean", help: "wait for no reply: what is sent is not known to have arrived" },
  match: {
    type: "choice",
    choices: ["port", "sequence", "content"],
    help: "how a reply finds its datagram (default: sequence where DATA holds {seq}, port otherwise)",
  },
  expect: { type: "text", help: "TEXT must occur in each reply" },
  expectRegex: { type: "text", placeholder: "REGEX", help: "the regular expression must match each reply" },
  expectBytes: { type: "text", placeholder: "HEX", help: "these bytes must occur in each reply" },
  expectSilence: { type: "duration", help: "no reply may come within TIME" },
  bind: { type: "text", placeholder: "ENDPOINT", help: "send from this local endpoint" },
  interface: {
    type: "text",
    placeholder: "INTERFACE",
    help: "send to a multicast group here: an interface's address; for IPv6 its index (needs --allow-ffi)",
  },
  ttl: {
    type: "integer",
    least: 0,
    most: 255,
    help: "let a datagram to a multicast group cross N - 1 routers (IPv6: needs --allow-ffi)",
  },
  loopback: {
    type: "choice",
    choices: ["on", "off"],
    default: "on",
    help: "whether this machine receives what it sends to a multicast group",
  },
  json: { type: "boolean", help: "one JSON object a datagram, then a summary, on standard output" },
  ...LOG_FLAGS,
} as const satisfies FlagTable;

/** Values of {@linkcode SEND_FLAGS}. */
export type SendFlags = FlagValues<typeof SEND_FLAGS>;
