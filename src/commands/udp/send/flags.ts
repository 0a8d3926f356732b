import { parseHex, unescape, utf8 } from "../../../base/bytes.ts";
import { DEFAULTS } from "../../../base/defaults.ts";
import { UsageError } from "../../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../../base/flag_spec.ts";
import { readNamedBytes } from "../../../base/read_named_file.ts";
import { type ProgramIo, readToEnd } from "../../../cli/io.ts";
import { logFlags } from "../../program_logging.ts";
import { SENDER_FLAGS } from "../shared_flags.ts";

/** Flags of `parley-udp send`. */
export const SEND_FLAGS = {
  hex: { type: "text", placeholder: "HEX", help: "send these bytes instead of DATA" },
  file: { type: "text", placeholder: "FILE", help: "send the content of FILE as one datagram" },
  literal: { type: "boolean", help: "do not interpret escapes and {seq}" },
  count: { type: "integer", min: 1, default: 1, short: "c", help: "send N datagrams" },
  interval: { type: "duration", default: "10ms", short: "i", help: "time between two datagrams" },
  timeout: { type: "duration", default: "2s", short: "t", help: "wait TIME for a reply" },
  retries: { type: "integer", default: 0, help: "resend up to N times if there is no reply" },
  oneWay: { type: "boolean", help: "do not wait for replies; arrival is not verified" },
  match: {
    type: "choice",
    choices: ["port", "sequence", "content"],
    help: "how to match replies",
  },
  expect: { type: "text", help: "each reply must contain TEXT" },
  expectRegex: { type: "text", placeholder: "REGEX", help: "each reply must match the regular expression" },
  expectBytes: { type: "text", placeholder: "HEX", help: "each reply must contain these bytes" },
  expectSilence: { type: "duration", help: "fail if a reply comes within TIME" },
  ...SENDER_FLAGS,
  interface: {
    type: "text",
    placeholder: "INTERFACE",
    help: "interface for a multicast group",
  },
  ttl: {
    type: "integer",
    min: 0,
    max: 255,
    help: "TTL of datagrams to a multicast group",
  },
  loopback: {
    type: "choice",
    choices: ["on", "off"],
    default: "on",
    help: "receive own multicast datagrams",
  },
  json: { type: "boolean", help: "print one JSON object per datagram, then a summary" },
  ...logFlags("warning"),
} as const satisfies FlagTable;

/** Values of {@linkcode SEND_FLAGS}. */
export type SendFlags = FlagValues<typeof SEND_FLAGS>;

/** The data of the datagrams. */
export interface SendPayload {
  /** The bytes of a datagram by its number, from 1. */
  bytesOf(seq: number): Uint8Array;
  /** Whether the bytes contain the number. */
  readonly isNumbered: boolean;
}

/**
 * The payload in DATA and the flags, or else from standard input.
 *
 * @throws {UsageError} There is more than one.
 */
export async function payloadOf(text: string | undefined, flags: SendFlags, io: ProgramIo): Promise<SendPayload> {
  const { hex, file } = flags;
  if ([text, hex, file].filter((source) => source !== undefined).length > 1) {
    throw new UsageError("DATA, --hex and --file cannot be combined");
  }
  if (!flags.literal && text?.includes("{seq}")) {
    return { bytesOf: (seq) => unescape(text.replaceAll("{seq}", String(seq))), isNumbered: true };
  }
  const bytes = text !== undefined
    ? flags.literal ? utf8(text) : unescape(text)
    : hex !== undefined
    ? parseHex(hex)
    : file !== undefined
    ? await readNamedBytes(file, "the data")
    // The send rejects more than one datagram carries, so reading on would be pointless.
    : await readToEnd(io.stdin, DEFAULTS.datagramBytes * 4);
  return { bytesOf: () => bytes, isNumbered: false };
}
