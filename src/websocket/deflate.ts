/**
 * permessage-deflate (RFC 7692) without context takeover: each message is compressed independently, so that a
 * connection needs no compressor state, and decompression stops at the size limit.
 *
 * @module
 */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { concat, NO_BYTES } from "../base/bytes.ts";
import { hasCode, toError } from "../base/errors.ts";

const NAME = "permessage-deflate";
const MIN_BITS = 8;
const MAX_BITS = 15;
/** zlib does not support raw deflate with a window of 256 bytes and would use a larger one. */
const MIN_COMPRESSOR_BITS = 9;
/** Compression makes shorter messages longer. */
const MIN_BYTES = 64;
const SYNC_FLUSH = { finishFlush: constants.Z_SYNC_FLUSH } as const;
/** The empty block at the end of a message, which is not sent (section 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** Negotiated parameters. */
export interface DeflateAgreement {
  /** Window size for sending; `undefined` if this side must not compress. */
  readonly windowBits: number | undefined;
}

/** A client's offer (section 7.1). */
export const DEFLATE_OFFER = `${NAME}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits`;

type Parameters = ReadonlyMap<string, string | undefined>;

/** A server's response: the first acceptable offer of a client, or `undefined`. */
export function acceptDeflate(field: string | undefined): (DeflateAgreement & { response: string }) | undefined {
  for (const parameters of offersIn(field)) {
    const bits = parameters.get("server_max_window_bits");
    const known = ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits"];
    const isKnown = [...parameters].every(([name, value]) =>
      name === "client_max_window_bits"
        ? value === undefined || isBits(value)
        : known.includes(name) && (name.endsWith("bits") ? isBits(value) : value === undefined)
    );
    if (!isKnown || bits !== undefined && Number(bits) < MIN_COMPRESSOR_BITS) continue;
    const own = bits === undefined ? "" : `; server_max_window_bits=${bits}`;
    return {
      windowBits: bits === undefined ? MAX_BITS : Number(bits),
      response: `${NAME}; server_no_context_takeover; client_no_context_takeover${own}`,
    };
  }
  return undefined;
}

/** Parses a server's response to {@linkcode DEFLATE_OFFER}; returns the parameters or the error. */
export function readDeflateAnswer(field: string): DeflateAgreement | { fault: string } {
  const [parameters, ...more] = offersIn(field, true);
  if (parameters === undefined || more.length > 0) return { fault: "it chose an extension that was not offered" };
  for (const [name, value] of parameters) {
    const isFlag = name === "server_no_context_takeover" || name === "client_no_context_takeover";
    const isWindow = name === "client_max_window_bits" || name === "server_max_window_bits";
    if (isFlag ? value !== undefined : !isWindow || !isBits(value)) {
      return { fault: `its ${NAME} has the invalid parameter ${name}` };
    }
  }
  if (!parameters.has("server_no_context_takeover")) {
    return { fault: `its ${NAME} lacks server_no_context_takeover, which was offered` };
  }
  const bits = Number(parameters.get("client_max_window_bits") ?? MAX_BITS);
  return { windowBits: bits < MIN_COMPRESSOR_BITS ? undefined : bits };
}

/** The parameters of each valid permessage-deflate element. */
function offersIn(field: string | undefined, isStrict = false): Parameters[] {
  const found: Parameters[] = [];
  for (const extension of (field ?? "").split(",")) {
    const [name, ...parts] = extension.split(";").map((part) => part.trim());
    if (name !== NAME) {
      // A server must not send other parameters.
      if (isStrict) return [];
      continue;
    }
    const parameters = new Map<string, string | undefined>();
    let isValid = true;
    for (const part of parts) {
      const [, key = "", quoted, plain] = /^([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([\w-]+)))?$/.exec(part) ?? [];
      if (key === "" || parameters.has(key)) isValid = false;
      parameters.set(key, quoted ?? plain);
    }
    if (isValid) found.push(parameters);
    else if (isStrict) return [];
  }
  return found;
}

function isBits(text: string | undefined): boolean {
  return /^(?:[89]|1[0-5])$/.test(text ?? "") && Number(text) >= MIN_BITS;
}

/** Compresses a message; `undefined` if that would not make it shorter. */
export function compressMessage(data: Uint8Array, windowBits: number): Uint8Array | undefined {
  if (data.length < MIN_BYTES) return undefined;
  const compressed = deflateRawSync(data, { ...SYNC_FLUSH, windowBits });
  const payload = compressed.subarray(0, compressed.length - TAIL.length);
  return payload.length < data.length ? payload : undefined;
}

/** An error in the receiver's format, whose code names the rule. */
type InflateError = Error & { readonly code: string };

/**
 * Decompresses a message up to `maxBytes`; a longer one is never held in memory.
 *
 * @throws The message is too long or not valid compressed data; see the error's code.
 */
export function decompressMessage(payload: Uint8Array, maxBytes: number): Uint8Array {
  const whole = new Uint8Array(payload.length + TAIL.length);
  whole.set(payload);
  whole.set(TAIL, payload.length);
  try {
    return inflateRawSync(whole, { ...SYNC_FLUSH, maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    if (hasCode(error, "ERR_BUFFER_TOO_LARGE")) {
      throw coded("the message is larger than allowed when it is decompressed", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
    }
    throw coded("the message is not valid permessage-deflate data", "WS_ERR_INVALID_DEFLATE");
  }
}

function coded(message: string, code: string): InflateError {
  return Object.assign(new Error(message), { code });
}

/** The decompressor interface that the `Receiver` of `ws` calls. */
export class FragmentInflater {
  readonly #maxBytes: number;
  #fragments: Uint8Array[] = [];

  /** `maxBytes` limits the decompressed message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  decompress(data: Uint8Array, isLast: boolean, callback: (error: Error | null, data?: Uint8Array) => void): void {
    this.#fragments.push(data);
    if (!isLast) return callback(null, NO_BYTES);
    const payload = concat(this.#fragments);
    this.#fragments = [];
    let message: Uint8Array;
    try {
      message = decompressMessage(payload, this.#maxBytes);
    } catch (error) {
      return callback(toError(error));
    }
    callback(null, message);
  }
}
