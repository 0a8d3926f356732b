/**
 * The server side of HTTP/1.1 (RFC 9112): consecutive requests on a stream, and their responses.
 *
 * @module
 */

import { NO_BYTES } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedEarlyError, TimeoutError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { Deadline } from "../net/deadline.ts";
import type { WaitOptions } from "../net/wait.ts";
import { HttpBodyReader } from "./body.ts";
import { HttpError, HttpHeadReader, type HttpRequestHead, listOf, parseRequestHead } from "./head.ts";
import { CONTINUE, encodeResponse, errorResponse, type HttpResponse } from "./response.ts";

/** The stream that carries requests: a connection, or a session of raw bytes. */
export interface HttpStream {
  /** Reads the next bytes, valid until the next call; `null` at the end of the stream. */
  read(options?: WaitOptions): Promise<Uint8Array | null>;
  /** Sends all bytes. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Limits of {@linkcode RequestReader}. */
export interface RequestOptions {
  /**
   * Time limit for a whole head in milliseconds; slow arrival does not extend it.
   *
   * @default {5000}
   */
  readonly headTimeoutMs?: number | undefined;
  /** Maximum idle time between requests; by default only the stream's deadlines apply. */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * Time limit for a whole body read by {@linkcode HttpRequest.body}, in milliseconds.
   *
   * @default {10000}
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * Maximum bytes of such a body.
   *
   * @default {1 MiB}
   */
  readonly maxBodyBytes?: number | undefined;
}

/** One request. */
export interface HttpRequest extends HttpRequestHead {
  /** The parsed head. */
  readonly bytes: Uint8Array;
  /**
   * Reads the whole body; sends 100 (Continue) if the client waits for it (RFC 9110, section 10.1.1). If the body is
   * not read, the connection is closed after the response.
   *
   * @throws {HttpError} 400, 408, 413 or 417.
   * @throws {ClosedEarlyError} The client closed the connection within the body.
   */
  body(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads and discards a body of any length. `false` if it is incomplete, or if the client waits for 100 (Continue).
   *
   * @throws {HttpError} 400 or 408.
   */
  discardBody(): Promise<boolean>;
  /** The bytes received after the head, for an upgrade to another protocol. */
  takeRest(): Uint8Array;
}

/** Reads consecutive requests from a stream. */
export class RequestReader {
  readonly #stream: HttpStream;
  readonly #options: RequestOptions;
  readonly #heads = new HttpHeadReader();
  #rest: Uint8Array = NO_BYTES;
  #head: HttpRequestHead | undefined;
  #body: HttpBodyReader | undefined;

  constructor(stream: HttpStream, options: RequestOptions = {}) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Whether the body of the last request has been read, so that the next request can follow. */
  get isBodyRead(): boolean {
    return this.#head === undefined || this.#bodyOf(this.#head).isDone;
  }

  /**
   * Reads the next request. `undefined` if the client closes or is idle for `idleTimeoutMs` between two requests; a 408
   * is not sent, because the client could mistake it for the response to a request that it is just sending.
   *
   * @throws {HttpError} 400, 408, 413, 431, 501 or 505.
   * @throws {ClosedEarlyError} The client closed the connection within a head.
   */
  async next(): Promise<HttpRequest | undefined> {
    let deadline = this.#head === undefined ? new Deadline(this.#headTimeoutMs) : undefined;
    for (;;) {
      const bytes = await this.#read(deadline);
      if (bytes === null && this.#heads.length === 0) return undefined;
      if (bytes === null) {
        throw new ClosedEarlyError("the client closed the connection within a request head", {
          received: this.#heads.length,
        });
      }
      deadline ??= new Deadline(this.#headTimeoutMs);
      const found = this.#heads.push(bytes);
      if (found === undefined) continue;
      this.#rest = found.rest;
      const head = parseRequestHead(found.head);
      this.#head = head;
      this.#body = undefined;
      return {
        ...head,
        bytes: found.head,
        body: () => this.#readBody(head),
        discardBody: () => this.#discardBody(head),
        takeRest: () => this.#takeRest(),
      };
    }
  }

  get #headTimeoutMs(): number {
    return this.#options.headTimeoutMs ?? DEFAULTS.httpHeadTimeoutMs;
  }

  async #readBody(head: HttpRequestHead): Promise<Uint8Array<ArrayBuffer>> {
    const { bodyTimeoutMs = DEFAULTS.httpBodyTimeoutMs } = this.#options;
    const tooLarge = () => new HttpError(413, `the body is larger than ${this.#maxBodyBytes} bytes`);
    if (typeof head.bodyLength === "number" && head.bodyLength > this.#maxBodyBytes) throw tooLarge();
    const body = this.#bodyOf(head);
    if (!body.isDone) await this.#continue(head);
    const deadline = new Deadline(bodyTimeoutMs);
    while (!body.isDone) {
      const bytes = await this.#read(deadline);
      if (bytes === null) throw new ClosedEarlyError("the client closed the connection within a request body");
      this.#rest = body.push(bytes).slice();
      if (body.isCut) throw tooLarge();
    }
    return body.bytes;
  }

  async #discardBody(head: HttpRequestHead): Promise<boolean> {
    const body = this.#body ??= new HttpBodyReader(head.bodyLength, 0);
    if (!body.isDone && head.fields.has("expect")) return false;
    while (!body.isDone) {
      const bytes = await this.#read(new Deadline(this.#headTimeoutMs));
      if (bytes === null) return false;
      this.#rest = body.push(bytes).slice();
    }
    return true;
  }

  async #continue({ version, fields }: HttpRequestHead): Promise<void> {
    const expected = fields.get("expect");
    if (expected === undefined || version === "1.0") return;
    if (expected.toLowerCase() !== "100-continue") throw new HttpError(417, `the expectation "${expected}" is unknown`);
    if (this.#rest.length === 0) await this.#stream.write(CONTINUE);
  }

  get #maxBodyBytes(): number {
    return this.#options.maxBodyBytes ?? DEFAULTS.httpBodyBytes;
  }

  #bodyOf({ bodyLength }: HttpRequestHead): HttpBodyReader {
    return this.#body ??= new HttpBodyReader(bodyLength, this.#maxBodyBytes);
  }

  #takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = NO_BYTES;
    return rest;
  }

  /** Between two requests there is no deadline, and the client may close. */
  async #read(deadline: Deadline | undefined): Promise<Uint8Array | null> {
    if (this.#rest.length > 0) return this.#takeRest();
    try {
      return await this.#stream.read(deadline?.wait() ?? { timeout: this.#options.idleTimeoutMs });
    } catch (error) {
      // The stream's own deadlines close it, so no response can be sent.
      if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
      if (deadline === undefined) return null;
      throw new HttpError(408, `the request did not arrive within ${formatDuration(this.#headTimeoutMs)}`);
    }
  }
}

/** Handles a request; returns `undefined` if it takes over the stream, as for an upgrade. */
export type RequestHandler = (request: HttpRequest) => HttpResponse | undefined | Promise<HttpResponse | undefined>;

/** Options of {@linkcode serveRequests}. */
interface ServeRequestsOptions extends RequestOptions {
  /** Called before the wait for each request. */
  readonly onIdle?: () => void;
}

/**
 * Serves the requests of a stream, which the caller closes. The result is the reason for returning: the client closed
 * between two requests, no further request is possible after the last response, or the handler took over the stream.
 *
 * @throws {HttpError} A request was answered with an error; the connection must be closed.
 * @throws Errors of the stream and the handler; no response was sent.
 */
export async function serveRequests(
  stream: HttpStream,
  handle: RequestHandler,
  options: ServeRequestsOptions = {},
): Promise<"client left" | "last response sent" | "taken over"> {
  const requests = new RequestReader(stream, options);
  let request: HttpRequest | undefined;
  try {
    for (;;) {
      options.onIdle?.();
      request = undefined;
      request = await requests.next();
      if (request === undefined) return "client left";
      const response = await handle(request);
      if (response === undefined) return "taken over";
      const isKeptAlive = response.isKeptAlive !== false && requests.isBodyRead && wantsKeepAlive(request);
      await stream.write(encodeResponse({ ...response, isKeptAlive, isHead: request.method === "HEAD" }));
      if (!isKeptAlive) return "last response sent";
    }
  } catch (error) {
    if (error instanceof HttpError) {
      await stream.write(encodeResponse({ ...errorResponse(error), isHead: request?.method === "HEAD" }));
    }
    throw error;
  }
}

/** Whether the client keeps the connection open for another request (RFC 9112, section 9.3). */
function wantsKeepAlive({ version, fields }: HttpRequestHead): boolean {
  const options = listOf(fields.get("connection"));
  return version === "1.1" ? !options.includes("close") : options.includes("keep-alive");
}
