import { preview, utf8 } from "../../../base/bytes.ts";
import { ClosedEarlyError, ParleyError, TimeoutError } from "../../../base/errors.ts";

/** No banner is longer: what has not matched by then will not. */
const BANNER_BYTES = 16 * 1024;
/** Of a banner that is shown. */
const SHOWN_CHARACTERS = 200;

/** Waits until what a peer says matches. */
export class FirstWords {
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
   * Reads until it matches; the first line of it.
   *
   * @throws {ParleyError} Something else came.
   * @throws {TimeoutError} Nothing came.
   * @throws {ClosedEarlyError} The peer ended without a word.
   */
  async read(next: () => Promise<Uint8Array | null>): Promise<string> {
    // A pattern that an empty text matches wants something to come all the same.
    while (this.#text === "" || !this.#wanted.test(this.#text)) {
      if (this.#text.length > BANNER_BYTES) throw this.#mismatch();
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
    return new ClosedEarlyError(`${endpoint} closed the connection before it said anything`, { endpoint });
  }

  #mismatch(): ParleyError {
    const shown = preview(utf8(this.#text), 80);
    const endpoint = this.#endpoint;
    return new ParleyError(`${endpoint} said "${shown}", which does not match ${this.#wanted}`, { endpoint });
  }
}
