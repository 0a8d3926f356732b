/**
 * One request and response over an open connection (RFC 9112).
 *
 * @module
 */

import { concat, latin1, NO_BYTES, preview, toBytes } from "../base/bytes.ts";
import { ClosedEarlyError, ParleyError } from "../base/errors.ts";
import {
  HttpError,
  type HttpFields,
  HttpHeadReader,
  type HttpResponseHead,
  MAX_INTERIM,
  parseResponseHead,
} from "./head.ts";
import { encodeHead } from "./response.ts";
import type { Connection } from "../net/connection.ts";
import type { Deadline } from "../net/deadline.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { HttpBodyReader, responseBodyLength } from "./body.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** Bytes of the peer's data shown in an error message. */
const START_BYTES = 256;
const SHOWN_BYTES = 80;
const HTTP_1 = "HTTP/1.";

/** A request to send. */
interface OutgoingRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Includes `Host`; `Connection: close` is added. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** The response with its body. */
export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: HttpFields;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The peer sent something other than an HTTP response; see {@linkcode InvalidResponseError.start}. */
export class InvalidResponseError extends HttpError {
  /** `"InvalidResponseError"`. */
  override name = "InvalidResponseError";
  /** The first bytes received. */
  readonly start: Uint8Array;
  /** Whether they at least start like HTTP/1.1. */
  readonly isHttp: boolean;

  /** Creates an error from the bytes received. */
  constructor(message: string, start: Uint8Array) {
    super(400, message);
    this.start = start;
    this.isHttp = isHttp(start);
  }
}

/**
 * Reads the head of the final response and the bytes received after it; skips interim responses, such as 103 Early
 * Hints (RFC 9110, section 15.2).
 *
 * @param read Reads the next bytes; `null` at the end of the stream.
 * @returns The number of bytes received if the peer closed before the head was complete.
 * @throws {InvalidResponseError} The peer sent something else.
 */
export async function readResponseHead(
  read: () => Promise<Uint8Array | null>,
): Promise<{ head: HttpResponseHead; rest: Uint8Array } | { received: number }> {
  const reader = new HttpHeadReader();
  let start: Uint8Array = NO_BYTES;
  let early: Uint8Array = start;
  let interimCount = 0;
  for (;;) {
    const bytes = early.length > 0 ? early : await read();
    if (bytes === null) return { received: reader.length };
    early = NO_BYTES;
    if (start.length < START_BYTES) start = concat([start, bytes]).subarray(0, START_BYTES);
    try {
      // Checked before the head is complete, because the banner of another protocol may never complete it.
      if (!isHttp(start)) throw new HttpError(400, "the status line is malformed");
      const found = reader.push(bytes);
      if (found === undefined) continue;
      const head = parseResponseHead(found.head);
      if (head.status >= 200 || head.status === 101) return { head, rest: found.rest };
      if (++interimCount > MAX_INTERIM) {
        throw new HttpError(400, `there are more than ${MAX_INTERIM} interim responses`);
      }
      early = found.rest;
    } catch (error) {
      throw error instanceof HttpError ? new InvalidResponseError(error.message, start) : error;
    }
  }
}

function isHttp(start: Uint8Array): boolean {
  return HTTP_1.startsWith(latin1(start.subarray(0, HTTP_1.length)));
}

/**
 * Sends one request and reads the response, at most 1 MiB of its body.
 *
 * @throws {ParleyError} The peer does not speak HTTP/1.1.
 * @throws {ClosedEarlyError} The server closed the connection before the response was complete.
 * @throws {TimeoutError} The deadline passed.
 */
export async function requestOver(
  connection: Connection,
  { method, target, fields, body }: OutgoingRequest,
  deadline: Deadline,
): Promise<HttpAnswer> {
  const endpoint = formatEndpoint(connection.remote);
  const bytes = toBytes(body ?? "");
  const head = encodeHead(`${method} ${target} HTTP/1.1`, {
    ...fields,
    ...(body === undefined ? {} : { "Content-Length": String(bytes.length) }),
    Connection: "close",
  });
  await connection.write(concat([head, bytes]));
  try {
    return await readAnswer(connection, deadline, method === "HEAD");
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const message = error instanceof InvalidResponseError && !error.isHttp
      ? `${endpoint} does not speak HTTP: it sent "${preview(error.start, SHOWN_BYTES)}"`
      : `${endpoint} sent an invalid HTTP response: ${error.message}`;
    throw new ParleyError(message, { endpoint, cause: error });
  }
}

async function readAnswer(connection: Connection, deadline: Deadline, isHead: boolean): Promise<HttpAnswer> {
  const read = () => connection.read(deadline.wait());
  const found = await readResponseHead(read);
  if (!("head" in found)) {
    throw endedEarly(connection, found.received === 0 ? "before it sent a response" : "within the response header");
  }
  const body = new HttpBodyReader(responseBodyLength(found.head, isHead), MAX_BODY_BYTES);
  body.push(found.rest);
  while (!body.isDone && !body.isCut) {
    const next = await read();
    if (next !== null) body.push(next);
    else if (!body.end()) throw endedEarly(connection, "within the response body");
  }
  return { ...found.head, body: body.bytes };
}

function endedEarly({ remote }: Connection, when: string): ClosedEarlyError {
  const endpoint = formatEndpoint(remote);
  return new ClosedEarlyError(`${endpoint} closed the connection ${when}`, { endpoint });
}
