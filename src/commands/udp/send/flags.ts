import { parseHex, unescape, utf8 } from "../../../base/bytes.ts";
import { DEFAULTS } from "../../../base/defaults.ts";
import { FrameError, UsageError } from "../../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../../base/flag_spec.ts";
import { readNamedBytes } from "../../../base/read_named_file.ts";
import { type Input, type ProgramIo, readToEnd } from "../../../cli/io.ts";
import { lineCodec } from "../../../framing/mod.ts";
import { logFlags } from "../../program_logging.ts";
import { SENDER_FLAGS } from "../shared_flags.ts";

/** Flags of `parley-udp send`. */
export const SEND_FLAGS = {
  hex: { type: "text", placeholder: "HEX", help: "send these bytes instead of DATA" },
  file: { type: "text", placeholder: "FILE", help: "send the content of FILE as one datagram" },
  lines: { type: "boolean", help: "send each line of standard input as a datagram" },
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
interface SendPayload {
  /** The bytes of a datagram by its number, from 1; `null` if there are no more. */
  bytesOf(seq: number): Uint8Array | Promise<Uint8Array | null>;
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
  if (flags.lines) {
    const others = { "DATA": text, "--hex": hex, "--file": file, "--count": flags.count > 1 || undefined };
    const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (other !== undefined) throw new UsageError(`--lines and ${other} cannot be combined`);
    return { bytesOf: linesOf(io.stdin), isNumbered: false };
  }
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

/** Reads the next line without its end; `null` at the end of input. */
function linesOf(input: Input): () => Promise<Uint8Array | null> {
  // Sending rejects a line that is too long for a datagram, with the reason.
  const maxBytes = DEFAULTS.datagramBytes * 4;
  const decoder = lineCodec({ maxBytes, hardBytes: maxBytes }).decoder();
  const buffer = new Uint8Array(DEFAULTS.datagramBytes);
  let hasEnded = false;
  return async () => {
    for (;;) {
      const line = decoder.next();
      if (line instanceof FrameError) throw new UsageError(line.message, { cause: line });
      if (line !== undefined) return line.slice();
      if (hasEnded) return null;
      const count = await input.read(buffer);
      hasEnded = count === null;
      if (count === null) decoder.end();
      else decoder.push(buffer.subarray(0, count));
    }
  };
}
