import { ClosedEarlyError, TimeoutError } from "../../base/errors.ts";
import { HttpError, type HttpHeadReader, type HttpRequestHead, parseRequestHead } from "../../framing/http_head.ts";
import type { Connection } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";

/** A request, and what came behind its head. */
export interface ReadRequest {
  readonly request: HttpRequestHead;
  readonly rest: Uint8Array;
}

/**
 * Reads the head of the next request. The deadline is for all of it: a head
 * that drips in byte by byte does not move it.
 *
 * @param early Bytes that came behind the request before.
 * @returns `undefined` at the client's end between two requests.
 * @throws {HttpError} What to answer: 400, 408, 431 or 505.
 * @throws {ClosedEarlyError} The client left inside a head.
 */
export async function readRequest(
  connection: Connection,
  reader: HttpHeadReader,
  options: { timeoutMs: number; early: Uint8Array },
): Promise<ReadRequest | undefined> {
  const deadline = new Deadline(options.timeoutMs);
  let found = options.early.length > 0 ? reader.push(options.early) : undefined;
  while (found === undefined) {
    const bytes = await readWithin(connection, deadline, options.timeoutMs);
    if (bytes === null) {
      if (reader.length === 0) return undefined;
      throw new ClosedEarlyError("the client left inside a request head", { received: reader.length });
    }
    found = reader.push(bytes);
  }
  return { request: parseRequestHead(found.head), rest: found.rest };
}

async function readWithin(connection: Connection, deadline: Deadline, timeoutMs: number): Promise<Uint8Array | null> {
  try {
    return await connection.read(deadline.wait());
  } catch (error) {
    const isOurs = error instanceof TimeoutError && connection.closeReason === undefined;
    throw isOurs ? new HttpError(408, `no request came within ${timeoutMs} ms`) : error;
  }
}
