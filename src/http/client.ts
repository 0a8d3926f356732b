/**
 * A request over a connection that is open already, and its answer (RFC 9112).
 *
 * @module
 */

import { concat, preview, toBytes } from "../base/bytes.ts";
import { ClosedEarlyError, ParleyError } from "../base/errors.ts";
import { HttpError, type HttpFields, HttpHeadReader, parseResponseHead } from "./head.ts";
import { encodeHead } from "./response.ts";
import type { Connection } from "../net/connection.ts";
import type { Deadline } from "../net/deadline.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { HttpBodyReader, responseBodyLength } from "./body.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** Interim answers before the final one (RFC 9110, section 15.2). */
const MAX_INTERIM = 10;

/** What is asked. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** `Host` among them; `Connection: close` is added. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** The answer with its body. */
export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: HttpFields;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Sends one request and reads the whole answer, at most 1 MiB of its body.
 *
 * @throws {ParleyError} The peer does not speak HTTP/1.1.
 * @throws {ClosedEarlyError} It ended the connection within the answer.
 * @throws {TimeoutError} The deadline passed.
 */
export async function requestOver(
  connection: Connection,
  { method, target, fields, body }: HttpRequest,
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
  const first = await readNext(connection, deadline);
  if (first === null) throw endedEarly(endpoint, "before it answered");
  // Checked before the head is whole: another protocol's banner may never end one.
  if (!"HTTP/1.".startsWith(new TextDecoder("latin1").decode(first.subarray(0, 7)))) {
    throw new ParleyError(`${endpoint} does not speak HTTP: it sent "${preview(first, 80)}"`, { endpoint });
  }
  try {
    return await readAnswer(connection, deadline, first, method === "HEAD");
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new ParleyError(`${endpoint} sent an invalid HTTP response: ${error.message}`, { endpoint, cause: error });
  }
}

async function readAnswer(
  connection: Connection,
  deadline: Deadline,
  first: Uint8Array,
  isHead: boolean,
): Promise<HttpAnswer> {
  const endpoint = formatEndpoint(connection.remote);
  const reader = new HttpHeadReader();
  let bytes: Uint8Array = first;
  for (let interim = 0; interim <= MAX_INTERIM;) {
    const found = reader.push(bytes);
    if (found === undefined) {
      const next = await readNext(connection, deadline);
      if (next === null) throw endedEarly(endpoint, "within the head of its answer");
      bytes = next;
      continue;
    }
    const head = parseResponseHead(found.head);
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      interim++;
      bytes = found.rest;
      continue;
    }
    const body = new HttpBodyReader(responseBodyLength(head, isHead), MAX_BODY_BYTES);
    body.push(found.rest);
    while (!body.isDone && !body.isCut) {
      const next = await readNext(connection, deadline);
      if (next !== null) body.push(next);
      else if (!body.end()) throw endedEarly(endpoint, "within the body of its answer");
    }
    return { ...head, body: body.bytes };
  }
  throw new HttpError(400, "too many interim answers");
}

async function readNext(connection: Connection, deadline: Deadline): Promise<Uint8Array | null> {
  return await connection.read(deadline.wait());
}

function endedEarly(endpoint: string, when: string): ClosedEarlyError {
  return new ClosedEarlyError(`${endpoint} closed the connection ${when}`, { endpoint });
}
