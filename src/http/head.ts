/**
 * Parsers for the heads of HTTP/1.1 messages (RFC 9112): strict, bounded, pure.
 *
 * @module
 */

import { latin1, NO_BYTES } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { FrameError } from "../base/errors.ts";

/** Maximum number of interim responses before the final one. */
export const MAX_INTERIM = 10;

/** A request that cannot be served; {@linkcode HttpError.status} is the response's status. */
export class HttpError extends FrameError {
  /** `"HttpError"`. */
  override name = "HttpError";
  /** The status code of the response (RFC 9110, section 15). */
  readonly status: number;
  /** Required response fields, such as `Allow`. */
  readonly responseFields: Readonly<Record<string, string>>;

  /** Creates an error for a status code. */
  constructor(status: number, message: string, responseFields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.responseFields = responseFields;
  }
}

/** Header fields by lower-case name; values of repeated fields are joined with `", "`. */
export type HttpFields = ReadonlyMap<string, string>;

/** Request line and header fields (RFC 9112, section 3). */
export interface HttpRequestHead {
  /** As received; methods are case-sensitive. */
  readonly method: string;
  /** The path of the target, at least `"/"`; as received, not decoded. */
  readonly path: string;
  /** The query without its `?`; `""` if there is none. */
  readonly query: string;
  /** The version of HTTP. */
  readonly version: "1.0" | "1.1";
  /** The `Host` field; optional in HTTP/1.0. */
  readonly host: string | undefined;
  /** The header fields. */
  readonly fields: HttpFields;
  /** Length of the body, 0 if there is none (RFC 9112, section 6.3). */
  readonly bodyLength: number | "chunked";
}

/** Status line and header fields (RFC 9112, section 4). */
export interface HttpResponseHead {
  /** The status code (RFC 9110, section 15). */
  readonly status: number;
  /** The reason phrase; it has no meaning. */
  readonly reason: string;
  /** The header fields. */
  readonly fields: HttpFields;
}

/** Maximum number of header fields; more are rejected with 431. */
const MAX_FIELDS = 100;

/** `token` of RFC 9110, section 5.6.2, as the source of a regular expression: a method or the name of a field. */
export const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const FIELD_LINE = new RegExp(`^(${TOKEN}):(.*)$`);
const REQUEST_LINE = new RegExp(`^(${TOKEN}) (\\S+) HTTP/(\\d)\\.(\\d)$`);
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/;
/** `uri-host [":" port]` of RFC 9110, section 7.2. */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

const CR = 0x0d;
const LF = 0x0a;
const HTAB = 0x09;
const DEL = 0x7f;

/**
 * Collects the bytes of a stream until a head is complete. Bytes that cannot become a valid head are rejected
 * immediately, not after the timeout.
 */
export class HttpHeadReader {
  readonly #maxBytes: number;
  #bytes = NO_BYTES;
  #length = 0;
  #hasSkipped = false;

  /** Creates a reader for heads of at most `maxBytes`, 16 KiB by default. */
  constructor(maxBytes: number = DEFAULTS.httpHeadBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes received of an incomplete head. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds the next bytes. Returns `undefined` while the head is incomplete; then copies of the head, without leading
   * empty lines, and of the bytes after it. The reader is then ready for another head.
   *
   * @throws {HttpError} 400: not HTTP; 431: the head is too large.
   */
  push(chunk: Uint8Array): { head: Uint8Array; rest: Uint8Array } | undefined {
    const from = this.#length;
    this.#append(chunk);
    for (let at = from; at < this.#length; at++) {
      if (at >= this.#maxBytes) throw new HttpError(431, `the head is larger than ${this.#maxBytes} bytes`);
      const byte = this.#bytes[at] ?? 0;
      if (byte === LF) {
        if (this.#bytes[at - 1] !== CR) throw new HttpError(400, "a line ends without CR");
        if (at === 1) return this.#skipEmptyLine();
        if (this.#bytes[at - 2] === LF) return this.#finish(at + 1);
      } else if (this.#bytes[at - 1] === CR) {
        throw new HttpError(400, "a CR stands alone");
      } else if (byte < 0x20 && byte !== HTAB && byte !== CR || byte === DEL) {
        throw new HttpError(400, "the head contains a control character");
      }
    }
    return undefined;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  /** One empty line before the request line is ignored (RFC 9112, section 2.2). */
  #skipEmptyLine(): ReturnType<HttpHeadReader["push"]> {
    if (this.#hasSkipped) throw new HttpError(400, "the request line is missing");
    this.#hasSkipped = true;
    const rest = this.#bytes.slice(2, this.#length);
    this.#length = 0;
    return rest.length > 0 ? this.push(rest) : undefined;
  }

  #finish(end: number): { head: Uint8Array; rest: Uint8Array } {
    const head = this.#bytes.subarray(0, end);
    const rest = this.#bytes.subarray(end, this.#length);
    this.#bytes = NO_BYTES;
    this.#length = 0;
    this.#hasSkipped = false;
    return { head, rest };
  }
}

/**
 * Parses the head of a request from {@linkcode HttpHeadReader}.
 *
 * @throws {HttpError} 400, 413, 431, 501 or 505.
 */
export function parseRequestHead(head: Uint8Array): HttpRequestHead {
  const [line = "", ...fieldLines] = linesOf(head);
  const match = REQUEST_LINE.exec(line);
  if (!match) throw new HttpError(400, "the request line is malformed");
  const [, method = "", target = "", major, minor] = match;
  if (major !== "1") throw new HttpError(505, `HTTP/${major}.${minor} is not supported`);
  const version = minor === "0" ? "1.0" : "1.1";
  const fields = parseFields(fieldLines);
  const host = fields.get("host");
  if (host === undefined && version === "1.1") throw new HttpError(400, "the Host field is missing");
  if (host !== undefined && (!HOST.test(host) || host.includes(","))) {
    throw new HttpError(400, "the Host field is malformed or repeated");
  }
  // The target of CONNECT is an authority, not a path (RFC 9112, section 3.2.3), so no route matches.
  const parts = method === "CONNECT" ? { path: target, query: "" } : splitTarget(target);
  return { method, version, host, fields, bodyLength: bodyLengthOf(version, fields), ...parts };
}

/** An ambiguous body length would allow request smuggling. */
function bodyLengthOf(version: "1.0" | "1.1", fields: HttpFields): number | "chunked" {
  const codings = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (codings === undefined) return length === undefined ? 0 : parseContentLength(length);
  if (length !== undefined) throw new HttpError(400, "Content-Length and Transfer-Encoding cannot be combined");
  if (version === "1.0") throw new HttpError(400, "HTTP/1.0 does not support Transfer-Encoding");
  const coding = listOf(codings);
  if (coding.length === 1 && coding[0] === "chunked") return "chunked";
  if (coding.length === 0 || coding.slice(0, -1).includes("chunked")) {
    throw new HttpError(400, "the Transfer-Encoding does not end with a single chunked");
  }
  throw new HttpError(501, "no transfer coding other than chunked is implemented");
}

/** Repeated equal lengths count as one (RFC 9110, section 8.6). */
function parseContentLength(value: string): number {
  const [length = "", ...others] = value.split(",").map((member) => member.trim());
  if (!/^\d+$/.test(length) || others.some((other) => other !== length)) {
    throw new HttpError(400, "the Content-Length is malformed");
  }
  if (Number(length) > Number.MAX_SAFE_INTEGER) throw new HttpError(413, "the Content-Length is too large");
  return Number(length);
}

/**
 * Parses the head of a response.
 *
 * @throws {HttpError} The head is not an HTTP/1.1 response; ignore the error's status.
 */
export function parseResponseHead(head: Uint8Array): HttpResponseHead {
  const [line = "", ...fieldLines] = linesOf(head);
  const match = STATUS_LINE.exec(line);
  if (!match) throw new HttpError(400, "the status line is malformed");
  return { status: Number(match[1]), reason: match[2] ?? "", fields: parseFields(fieldLines) };
}

/** The members of a list field such as `keep-alive, Upgrade`, in lower case (RFC 9110, section 5.6.1). */
export function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(",").map((member) => member.trim().toLowerCase()).filter(Boolean);
}

function linesOf(head: Uint8Array): string[] {
  // The last line end and the empty line yield two empty strings.
  return latin1(head).split("\r\n").slice(0, -2);
}

function parseFields(lines: readonly string[]): HttpFields {
  if (lines.length > MAX_FIELDS) throw new HttpError(431, `there are more than ${MAX_FIELDS} header fields`);
  const fields = new Map<string, string>();
  for (const line of lines) {
    // Rejects folded lines and whitespace before the colon (RFC 9112, sections 5.1 and 5.2).
    const match = FIELD_LINE.exec(line);
    if (!match) throw new HttpError(400, "a header field is malformed");
    const name = (match[1] ?? "").toLowerCase();
    const before = fields.get(name);
    const value = (match[2] ?? "").trim();
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

/** Path and query of a target in origin, absolute or asterisk form (RFC 9112, section 3.2). */
function splitTarget(target: string): { path: string; query: string } {
  const origin = /^https?:\/\/[^/?#]+(.*)$/i.exec(target)?.[1] ?? target;
  const local = origin === "" || origin.startsWith("?") ? `/${origin}` : origin;
  if (!local.startsWith("/") && local !== "*" || local.includes("#")) {
    throw new HttpError(400, "the request target is malformed");
  }
  const question = local.indexOf("?");
  return question === -1 ? { path: local, query: "" } : {
    path: local.slice(0, question),
    query: local.slice(question + 1),
  };
}
