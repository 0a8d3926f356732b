import { DEFAULTS } from "../base/defaults.ts";
import { HttpError, HttpHeadReader, type HttpRequestHead, listOf, parseRequestHead } from "../framing/http_head.ts";
import { TimeoutError } from "../base/errors.ts";
import { HttpBodyReader } from "../http/body.ts";
import type { Session } from "../serve/session.ts";

/** One request: its head as it came, and as it was understood. */
export interface ReceivedRequest {
  readonly bytes: Uint8Array;
  readonly head: HttpRequestHead;
}

/** Reads HTTP/1.1 requests from a session of raw bytes, and drops their bodies. */
export class RequestReader {
  readonly #session: Session;
  readonly #timeoutMs: number;
  #rest: Uint8Array = new Uint8Array(0);
  #isFirst = true;

  /** `timeoutMs` is for one whole head. */
  constructor(session: Session, timeoutMs: number = DEFAULTS.httpHeadTimeoutMs) {
    this.#session = session;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The next request, or `null` at the client's end. Between two requests the
   * client may take its time; a begun one must come within the deadline.
   *
   * @throws {HttpError} 400, 408, 413, 431, 501 or 505.
   */
  async next(): Promise<ReceivedRequest | null> {
    const reader = new HttpHeadReader();
    let endMs = this.#isFirst ? performance.now() + this.#timeoutMs : undefined;
    this.#isFirst = false;
    for (;;) {
      const chunk = this.#rest.length > 0 ? this.#takeRest() : await this.#receive(endMs);
      if (chunk === null) return null;
      endMs ??= performance.now() + this.#timeoutMs;
      const found = reader.push(chunk);
      if (found === undefined) continue;
      this.#rest = found.rest;
      return { bytes: found.head, head: parseRequestHead(found.head) };
    }
  }

  /**
   * Drops the body of the request; `false` if nothing more can be read: the
   * client has ended, or waits for leave to send the body.
   *
   * @throws {HttpError} 400: its chunks are malformed; 408.
   */
  async skipBody({ fields, bodyLength }: HttpRequestHead): Promise<boolean> {
    const body = new HttpBodyReader(bodyLength, 0);
    if (!body.isDone && fields.has("expect")) return false;
    while (!body.isDone) {
      const chunk = this.#rest.length > 0 ? this.#takeRest() : await this.#receive(performance.now() + this.#timeoutMs);
      if (chunk === null) return false;
      this.#rest = body.push(chunk).slice();
    }
    return true;
  }

  #takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest;
  }

  async #receive(endMs: number | undefined): Promise<Uint8Array | null> {
    try {
      const batch = await this.#session.receive(
        endMs === undefined ? undefined : { timeoutMs: Math.max(0, endMs - performance.now()) },
      );
      return batch?.[0]?.data ?? null;
    } catch (error) {
      if (error instanceof TimeoutError && error.phase === "reply") {
        throw new HttpError(408, "the request took too long");
      }
      throw error;
    }
  }
}

/** Whether the client wants the connection for another request (RFC 9112, section 9.3). */
export function wantsToStay({ version, fields }: HttpRequestHead): boolean {
  const options = listOf(fields.get("connection"));
  return version === "1.1" ? !options.includes("close") : options.includes("keep-alive");
}
