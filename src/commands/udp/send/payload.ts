import { ByteBuilder } from "../../../base/byte_builder.ts";
import { parseHex, unescape, utf8 } from "../../../base/bytes.ts";
import { DEFAULTS } from "../../../base/defaults.ts";
import { UsageError } from "../../../base/errors.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { readNamedBytes } from "../../../base/read_named_file.ts";
import type { SendFlags } from "./flags.ts";

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
    : await readAll(io);
  return { bytesOf: () => bytes, isNumbered: false };
}

async function readAll(io: ProgramIo): Promise<Uint8Array> {
  const builder = new ByteBuilder();
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await io.stdin.read(buffer); count !== null; count = await io.stdin.read(buffer)) {
    builder.append(buffer.subarray(0, count));
    // The send rejects more than one datagram carries; reading on is pointless.
    if (builder.length > DEFAULTS.datagramBytes * 4) break;
  }
  return builder.take();
}
