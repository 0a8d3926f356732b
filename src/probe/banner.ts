import { preview, utf8 } from "../base/bytes.ts";
import { ClosedEarlyError, ParleyError, TimeoutError } from "../base/errors.ts";

const MAX_BANNER_CHARACTERS = 16 * 1024;
const SHOWN_CHARACTERS = 200;

/** Reads what a server sends first until it matches a pattern. */
export class BannerMatcher {
  readonly #wanted: RegExp;
  readonly #endpoint: string;
  readonly #decoder = new TextDecoder();
  #text = "";

  /** `endpoint` is for messages. */
  constructor(wanted: RegExp, endpoint: string) {
    this.#wanted = wanted;
    this.#endpoint = endpoint;
  }

  /**
   * Reads until the pattern matches; returns the first line.
   *
   * @throws {ParleyError} The server sent something else.
   * @throws {TimeoutError} The server sent nothing.
   * @throws {ClosedEarlyError} The server closed the connection before it sent anything.
   */
  async read(next: () => Promise<Uint8Array | null>): Promise<string> {
    // A pattern that matches the empty text still requires the server to send something.
    while (this.#text === "" || !this.#wanted.test(this.#text)) {
      if (this.#text.length > MAX_BANNER_CHARACTERS) throw this.#mismatch();
      const bytes = await next().catch((error: unknown) => {
        throw error instanceof TimeoutError && this.#text !== "" ? this.#mismatch() : error;
      });
      if (bytes === null) throw this.#ended();
      this.#text += this.#decoder.decode(bytes, { stream: true });
    }
    return (this.#text.split(/\r?\n/)[0] ?? "").slice(0, SHOWN_CHARACTERS);
  }

  #ended(): ParleyError {
    if (this.#text !== "") return this.#mismatch();
    const endpoint = this.#endpoint;
    return new ClosedEarlyError(`${endpoint} closed the connection before it sent anything`, { endpoint });
  }

  #mismatch(): ParleyError {
    const shown = preview(utf8(this.#text), 80);
    const endpoint = this.#endpoint;
    return new ParleyError(`${endpoint} sent "${shown}", which does not match ${this.#wanted}`, { endpoint });
  }
}
