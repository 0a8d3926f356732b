/**
 * The server's side of HTTP/1.1 (RFC 9112): the requests that a stream
 * carries, one after another, and their answers.
 *
 * @module
 */

import { DEFAULTS } from "../base/defaults.ts";
import { ClosedEarlyError, TimeoutError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { Deadline } from "../net/deadline.ts";
import type { WaitOptions } from "../net/wait.ts";
import { HttpBodyReader } from "./body.ts";
import { HttpError, HttpHeadReader, type HttpRequestHead, listOf, parseRequestHead } from "./head.ts";
import { CONTINUE, encodeResponse, errorResponse, type HttpResponse } from "./response.ts";

const NOTHING = new Uint8Array(0);

/** What carries the requests: a connection, or a session of raw bytes. */
export interface HttpStream {
  /** The next bytes, valid until the next call; `null` at the client's end. */
  read(options?: WaitOptions): Promise<Uint8Array | null>;
  /** Sends all of the bytes. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Limits of {@linkcode RequestReader}. */
export interface RequestOptions {
  /**
   * For a whole head, in milliseconds: a head that arrives byte by byte does not extend it.
   *
   * @default {5000}
   */
  readonly headTimeoutMs?: number | undefined;
  /** How long a connection may be idle between two requests; the stream's own deadlines apply by default. */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * For a whole body that {@linkcode HttpRequest.body} reads, in milliseconds.
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
  /** The head as it came. */
  readonly bytes: Uint8Array;
  /**
   * The whole body; a client that waits for it is sent 100 (Continue)
   * (RFC 9110, section 10.1.1). A body that is not read ends the connection.
   *
   * @throws {HttpError} 400, 408, 413 or 417.
   * @throws {ClosedEarlyError} The client left within it.
   */
  body(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads a body of any length and drops it. `false`: it did not arrive in
   * full, or the client waits for 100 (Continue).
   *
   * @throws {HttpError} 400 or 408.
   */
  discardBody(): Promise<boolean>;
  /** The bytes received after the head, for the protocol that takes over the stream. */
  takeRest(): Uint8Array;
}

/** Reads requests from a stream, one after another. */
export class RequestReader {
  readonly #stream: HttpStream;
  readonly #options: RequestOptions;
  readonly #heads = new HttpHeadReader();
  #rest: Uint8Array = NOTHING;
  #head: HttpRequestHead | undefined;
  #body: HttpBodyReader | undefined;

  /** Reads nothing before {@linkcode next}. */
  constructor(stream: HttpStream, options: RequestOptions = {}) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Whether the next request may be read: the body of the last one is not in the way. */
  get isBodyRead(): boolean {
    return this.#head === undefined || this.#bodyOf(this.#head).isDone;
  }

  /**
   * The next request. `undefined` at the client's end, or after a silence of
   * `idleTimeoutMs`, between two requests: none need follow, and a 408 could be
   * taken for the answer to one that is under way.
   *
   * @throws {HttpError} 400, 408, 413, 431, 501 or 505.
   * @throws {ClosedEarlyError} The client left within a head.
   */
  async next(): Promise<HttpRequest | undefined> {
    let deadline = this.#head === undefined ? new Deadline(this.#headTimeoutMs) : undefined;
    for (;;) {
      const bytes = await this.#read(deadline);
      if (bytes === null && this.#heads.length === 0) return undefined;
      if (bytes === null) {
        throw new ClosedEarlyError("the client left within a request head", { received: this.#heads.length });
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
      if (bytes === null) throw new ClosedEarlyError("the client left within a request body");
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
    this.#rest = NOTHING;
    return rest;
  }

  /** Without a deadline, a read between two requests, which may find nothing. */
  async #read(deadline: Deadline | undefined): Promise<Uint8Array | null> {
    if (this.#rest.length > 0) return this.#takeRest();
    try {
      return await this.#stream.read(deadline?.wait() ?? { timeout: this.#options.idleTimeoutMs });
    } catch (error) {
      // Deadlines of the stream itself close it: no response can be sent.
      if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
      if (deadline === undefined) return null;
      throw new HttpError(408, `the request did not arrive within ${formatDuration(this.#headTimeoutMs)}`);
    }
  }
}

/** Answers a request; `undefined` takes the stream over, as an upgrade does. */
export type RequestHandler = (request: HttpRequest) => HttpResponse | undefined | Promise<HttpResponse | undefined>;

/** Options of {@linkcode serveRequests}. */
export interface ServeRequestsOptions extends RequestOptions {
  /** Called before each request is waited for. */
  readonly onIdle?: () => void;
}

/**
 * Answers the requests of a stream, which the caller closes. The result says
 * why it returns: the client left between two requests, no other request may
 * follow the last answer, or the handler took the stream over.
 *
 * @throws {HttpError} A request was answered with an error; the connection must end.
 * @throws What the stream and the handler throw; the client was not answered.
 */
export async function serveRequests(
  stream: HttpStream,
  handle: RequestHandler,
  options: ServeRequestsOptions = {},
): Promise<"client left" | "last answer sent" | "taken over"> {
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
      if (!isKeptAlive) return "last answer sent";
    }
  } catch (error) {
    if (error instanceof HttpError) {
      await stream.write(encodeResponse({ ...errorResponse(error), isHead: request?.method === "HEAD" }));
    }
    throw error;
  }
}

/** Whether the client wants the connection for another request (RFC 9112, section 9.3). */
function wantsKeepAlive({ version, fields }: HttpRequestHead): boolean {
  const options = listOf(fields.get("connection"));
  return version === "1.1" ? !options.includes("close") : options.includes("keep-alive");
}
