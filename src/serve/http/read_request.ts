import { ClosedEarlyError, TimeoutError } from "../../base/errors.ts";
import { HttpError, type HttpHeadReader, type HttpRequestHead, parseRequestHead } from "../../framing/http_head.ts";
import type { Connection } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";

/** A request, and what came behind its head. */
export interface ReadRequest {
  readonly request: HttpRequestHead;
  readonly rest: Uint8Array;
}

/** How a request is read. */
export interface ReadRequestOptions {
  /** For the whole head, in milliseconds. */
  readonly timeoutMs: number;
  /** Bytes that came behind the request before. */
  readonly early: Uint8Array;
  /**
   * Whether a request was answered before: then none need follow, and none
   * coming is an end like any other, not a 408 that could be taken for the
   * answer to a request under way.
   */
  readonly isFollowing: boolean;
}

/**
 * Reads the head of the next request. The deadline is for all of it: a head
 * that drips in byte by byte does not move it.
 *
 * @returns `undefined` at the client's end, or a long silence, between two requests.
 * @throws {HttpError} What to answer: 400, 408, 431 or 505.
 * @throws {ClosedEarlyError} The client left inside a head.
 */
export async function readRequest(
  connection: Connection,
  reader: HttpHeadReader,
  options: ReadRequestOptions,
): Promise<ReadRequest | undefined> {
  const deadline = new Deadline(options.timeoutMs);
  let found = options.early.length > 0 ? reader.push(options.early) : undefined;
  while (found === undefined) {
    const mayEnd = options.isFollowing && reader.length === 0;
    const bytes = await readWithin(connection, deadline, { timeoutMs: options.timeoutMs, mayEnd });
    if (bytes === null) {
      if (reader.length === 0) return undefined;
      throw new ClosedEarlyError("the client left inside a request head", { received: reader.length });
    }
    found = reader.push(bytes);
  }
  return { request: parseRequestHead(found.head), rest: found.rest };
}

async function readWithin(
  connection: Connection,
  deadline: Deadline,
  { timeoutMs, mayEnd }: { timeoutMs: number; mayEnd: boolean },
): Promise<Uint8Array | null> {
  try {
    return await connection.read(deadline.wait());
  } catch (error) {
    if (!(error instanceof TimeoutError) || connection.closeReason !== undefined) throw error;
    if (mayEnd) return null;
    throw new HttpError(408, `no request came within ${timeoutMs} ms`);
  }
}
