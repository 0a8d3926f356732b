import { DEFAULTS } from "../base/defaults.ts";
import { HttpError, HttpHeadReader, type HttpRequestHead, listOf, parseRequestHead } from "../framing/http_head.ts";
import { TimeoutError } from "../base/errors.ts";
import type { Session } from "../serve/session.ts";

/** One request: its head as it came, and as it was understood. */
export interface ReceivedRequest {
  readonly bytes: Uint8Array;
  readonly head: HttpRequestHead;
}

/** Reads HTTP/1.1 requests from a session of raw bytes; bodies of a told length are dropped. */
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
   * @throws {HttpError} 400, 408, 431 or 505.
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

  /** Drops the body of the request; `false` where its end cannot be told and nothing more can be read. */
  async skipBody({ fields }: HttpRequestHead): Promise<boolean> {
    if (fields.has("transfer-encoding") || fields.has("expect")) return false;
    const length = fields.get("content-length") ?? "0";
    if (!/^\d{1,15}$/.test(length)) return false;
    let left = Number(length);
    while (left > 0) {
      const chunk = this.#rest.length > 0 ? this.#takeRest() : await this.#receive(performance.now() + this.#timeoutMs);
      if (chunk === null) return false;
      if (chunk.length > left) this.#rest = chunk.slice(left);
      left -= Math.min(left, chunk.length);
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
