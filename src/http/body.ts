/**
 * Bodies of HTTP/1.1 messages (RFC 9112, section 6): by length, chunked, or up
 * to the end of the connection. Pure and bounded.
 *
 * @module
 */

import { concat, latin1, NO_BYTES } from "../base/bytes.ts";
import { HttpError, type HttpResponseHead, listOf } from "./head.ts";

const LF = 0x0a;
/** Maximum length of a chunk size line or a trailer line. */
const MAX_LINE_BYTES = 8 * 1024;

/** How the end of a body is determined: by a number of bytes, by chunks, or by the end of the connection. */
type BodyLength = number | "chunked" | "until close";

/**
 * How long the body of a response is (RFC 9112, section 6.3).
 *
 * @throws {HttpError} The head has an invalid Content-Length or Transfer-Encoding.
 */
export function responseBodyLength({ status, fields }: HttpResponseHead, isHead = false): BodyLength {
  if (isHead || status < 200 || status === 204 || status === 304) return 0;
  const encodings = listOf(fields.get("transfer-encoding"));
  if (encodings.at(-1) === "chunked") return "chunked";
  const length = fields.get("content-length");
  if (encodings.length > 0 || length === undefined) return "until close";
  if (/^\d{1,15}$/.test(length)) return Number(length);
  throw new HttpError(400, `the Content-Length "${length}" is invalid`);
}

/** Decodes a body incrementally. */
export class HttpBodyReader {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  /** Decoding state; a number is the remaining bytes of the body or of the current chunk. */
  #state: "size" | "after chunk" | "trailers" | "until close" | "done" | number;
  readonly #isChunked: boolean;
  #line: Uint8Array = NO_BYTES;

  /** A body longer than `maxBytes` is truncated, and {@linkcode isCut} is true. */
  constructor(length: BodyLength, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#isChunked = length === "chunked";
    this.#state = length === "chunked" ? "size" : length || "done";
  }

  /** The body is complete. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** The body exceeded the maximum and was truncated. */
  isCut = false;

  /** The bytes of the body received so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#chunks);
  }

  /**
   * Adds the next bytes; returns those after the body.
   *
   * @throws {HttpError} The chunks are malformed.
   */
  push(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    while (rest.length > 0 && this.#state !== "done") {
      if (this.#state === "until close") {
        this.#keep(rest);
        return rest.subarray(rest.length);
      }
      rest = typeof this.#state === "number" ? this.#takeData(rest, this.#state) : this.#takeLine(rest);
    }
    return rest;
  }

  /** Signals the end of the connection; returns whether the body is complete. */
  end(): boolean {
    if (this.#state === "until close") this.#state = "done";
    return this.#state === "done";
  }

  #takeData(bytes: Uint8Array, missing: number): Uint8Array {
    const taken = bytes.subarray(0, missing);
    this.#keep(taken);
    this.#state = missing - taken.length || (this.#isChunked ? "after chunk" : "done");
    return bytes.subarray(taken.length);
  }

  #takeLine(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(LF);
    this.#line = concat([this.#line, end === -1 ? bytes : bytes.subarray(0, end)]);
    if (this.#line.length > MAX_LINE_BYTES) throw new HttpError(400, "a line between chunks is too long");
    if (end === -1) return bytes.subarray(bytes.length);
    const line = latin1(this.#line).replace(/\r$/, "");
    this.#line = NO_BYTES;
    this.#afterLine(line);
    return bytes.subarray(end + 1);
  }

  #afterLine(line: string): void {
    if (this.#state === "after chunk") {
      if (line !== "") throw new HttpError(400, "a chunk is longer than its size");
      this.#state = "size";
    } else if (this.#state === "trailers") {
      if (line === "") this.#state = "done";
    } else {
      const digits = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;.*)?$/.exec(line)?.[1];
      if (digits === undefined) throw new HttpError(400, "the size of a chunk is malformed");
      this.#state = Number.parseInt(digits, 16) || "trailers";
    }
  }

  #keep(bytes: Uint8Array): void {
    const kept = bytes.slice(0, this.#maxBytes - this.#length);
    if (kept.length < bytes.length) this.isCut = true;
    if (kept.length === 0) return;
    this.#chunks.push(kept);
    this.#length += kept.length;
  }
}
