import { isUtf8 } from "node:buffer";
import { formatHex, NO_BYTES, preview } from "../base/bytes.ts";
import { ClosedEarlyError, type ParleyErrorOptions, ResetError, TimeoutError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { Deadline } from "../net/deadline.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Session } from "../session/session.ts";
import { abnormalClose, closeFrameText } from "../websocket/close_frame.ts";
import { ExpectationError } from "./expectation_error.ts";
import type { Inbox, Unit } from "./inbox.ts";
import { type Match, matchBytes, matchExact, matchRegex } from "./match.ts";
import { type Captures, fillRegex } from "./payload.ts";
import type { Pattern } from "./steps.ts";

/** How long to wait for more data after a regular expression has matched up to the last received byte. */
const SETTLE_MS = 50;

/** Dependencies of {@linkcode Expectations}. */
interface Expected extends Pick<Session, "remote" | "closeFrame"> {
  readonly kind: Session["kind"] | "datagram";
}

/** Waits for what the peer is expected to do, and explains failures. */
export class Expectations {
  readonly #session: Expected;
  readonly #inbox: Inbox;
  readonly #captures: Map<string, string>;
  readonly #timeoutMs: number;
  readonly #endpoint: string;

  /** `timeoutMs` applies to each expectation; groups are stored in `captures`. */
  constructor(session: Expected, inbox: Inbox, captures: Map<string, string>, timeoutMs: number) {
    this.#session = session;
    this.#inbox = inbox;
    this.#captures = captures;
    this.#timeoutMs = timeoutMs;
    this.#endpoint = formatEndpoint(session.remote);
  }

  /** Waits for a match; `wanted` is the expected bytes, if not a pattern. */
  async pattern(pattern: Pattern, wanted: Uint8Array | undefined): Promise<Unit> {
    if (pattern.kind === "exact") return await this.#exactly(pattern);
    // Empty after substitution of captures: it would match anything.
    if (wanted?.length === 0) throw this.#wrong("the expected text is empty");
    const match = matcherOf(pattern, wanted, this.#captures);
    const deadline = this.#deadline(this.#timeoutMs);
    let from = 0;
    for (;;) {
      const found = this.#inbox.find(match, pattern.isText, from);
      if (!found) from = this.#inbox.nextNumber;
      const isSettled = pattern.kind !== "regex" || !found?.isAtEnd || this.#inbox.state !== "open";
      if (found && (isSettled || !await this.#inbox.change(Math.min(SETTLE_MS, deadline.remainingMs)))) {
        for (const [name, value] of found.match.captures) this.#captures.set(name, value);
        return this.#inbox.take(found);
      }
      if (found) continue;
      if (this.#inbox.state !== "open" || !await this.#inbox.change(deadline.remainingMs)) {
        throw this.#unmet(pattern, wanted);
      }
    }
  }

  async #exactly(pattern: Extract<Pattern, { kind: "exact" }>): Promise<Unit> {
    const deadline = this.#deadline(this.#timeoutMs);
    for (;;) {
      const { first } = this.#inbox;
      const isOtherType = first !== undefined && pattern.isText !== undefined && first.isText !== pattern.isText &&
        this.#session.kind === "websocket";
      const match = first && !isOtherType && matchExact(pattern.bytes, first.data, this.#inbox.isMessageWise);
      if (match) return this.#inbox.take({ unit: 0, match });
      if (match === false || this.#inbox.state !== "open" || !await this.#inbox.change(deadline.remainingMs)) {
        throw this.#unmet(pattern, pattern.bytes);
      }
    }
  }

  /** Waits for an orderly end; with a code, for a Close frame with that code. */
  async close(code: number | undefined): Promise<void> {
    await this.#whenOver("did not close the connection");
    if (this.#inbox.state instanceof Error) throw this.#inbox.state;
    if (code === undefined) {
      const abnormal = abnormalClose(this.#session);
      if (abnormal !== undefined) throw abnormal;
    } else if (this.#session.closeFrame?.code !== code) {
      const how = closeFrameText(this.#session) || " (no close code)";
      throw this.#wrong(`${this.#endpoint} closed the WebSocket${how}; expected close code ${code}`);
    }
  }

  /** Waits for a reset. */
  async reset(): Promise<void> {
    await this.#whenOver("did not reset the connection");
    const { state } = this.#inbox;
    if (state === "ended") throw this.#wrong(`${this.#endpoint} closed the connection normally; expected a reset`);
    if (!(state instanceof ResetError)) throw state;
  }

  async #whenOver(missing: string): Promise<void> {
    const deadline = this.#deadline(this.#timeoutMs);
    while (this.#inbox.state === "open" && await this.#inbox.change(deadline.remainingMs));
    if (this.#inbox.state === "open") throw this.#tooLate(missing);
  }

  /** Expects no data and no close. */
  async silence(forMs: number): Promise<void> {
    const deadline = this.#deadline(forMs);
    for (;;) {
      const { state } = this.#inbox;
      if (!this.#inbox.isEmpty) {
        throw this.#wrong(`${this.#endpoint} sent unexpected data: ${quote(this.#inbox.unmatched)}`);
      }
      if (state === "ended") {
        throw new ClosedEarlyError(
          `${this.#endpoint} closed the connection: silence for ${formatDuration(forMs)} was expected`,
          { endpoint: this.#endpoint },
        );
      }
      if (state !== "open") throw state;
      if (!await this.#inbox.change(deadline.remainingMs)) return;
    }
  }

  /**
   * Waits for a reply: a message, or the bytes of a stream until it is quiet, or with `undefined` until it ends. The
   * reply must begin in time, but may then take longer, because large ones do.
   */
  async reply(quietMs: number | undefined): Promise<Unit> {
    const deadline = this.#deadline(this.#timeoutMs);
    while (this.#inbox.isEmpty) {
      const { state } = this.#inbox;
      if (state === "ended") throw this.#endedWithoutReply();
      if (state !== "open") throw state;
      if (!await this.#inbox.change(deadline.remainingMs)) throw this.#tooLate("sent no reply");
    }
    if (this.#inbox.isMessageWise) return this.#inbox.takeFirst();
    while (this.#inbox.state === "open" && await this.#inbox.change(quietMs ?? this.#timeoutMs));
    if (this.#inbox.state === "open" && quietMs === undefined) {
      throw this.#tooLate("did not close the connection", " of the last byte");
    }
    const { state } = this.#inbox;
    if (state instanceof Error) throw state;
    return this.#inbox.takeFirst();
  }

  /** The time that the inbox holds data back does not count. */
  #deadline(timeoutMs: number): Deadline {
    return new Deadline(timeoutMs, undefined, () => this.#inbox.nowMs);
  }

  #unmet(pattern: Pattern, wanted: Uint8Array | undefined): Error {
    const { state } = this.#inbox;
    if (state instanceof Error) return state;
    const text = wanted === undefined ? `/${pattern.kind === "regex" ? pattern.source : ""}/` : quote(wanted);
    const isTyped = pattern.isText !== undefined && this.#session.kind === "websocket";
    const name = isTyped ? `${typeName(pattern)} ${text}` : text;
    const { first } = this.#inbox;
    const other = isTyped ? this.#inbox.find(matcherOf(pattern, wanted, this.#captures)) : undefined;
    if (other !== undefined && (pattern.kind !== "exact" || other.unit === 0)) {
      const type = typeName({ isText: !pattern.isText });
      return this.#wrong(`expected ${name} from ${this.#endpoint}, but it came as a ${type} message`);
    }
    if (first !== undefined && !this.#inbox.isEmpty) {
      // An exact expectation considers only the next message.
      const received = pattern.kind === "exact" ? first.data : this.#inbox.unmatched;
      const type = isTyped ? `${typeName(first)} ` : "";
      const message = `expected ${name} from ${this.#endpoint}, but ${type}${quote(received)} came`;
      return this.#wrong(message, wanted, received);
    }
    if (state === "ended") return this.#endedWithoutReply(` ${name} was expected`);
    return this.#tooLate(`sent nothing of what was expected, ${name}`);
  }

  #wrong(message: string, expected?: Uint8Array, received = this.#inbox.unmatched): ExpectationError {
    return new ExpectationError(message, {
      endpoint: this.#endpoint,
      received,
      expected,
      offset: this.#inbox.isMessageWise ? 0 : this.#inbox.consumedBytes,
    });
  }

  #endedWithoutReply(more = ""): ClosedEarlyError {
    const closed = `${this.#endpoint} closed the connection without a reply${closeFrameText(this.#session)}`;
    const options: ParleyErrorOptions = { endpoint: this.#endpoint };
    return new ClosedEarlyError(`${closed}${more === "" ? "" : `:${more}`}`, options);
  }

  #tooLate(what: string, since = ""): TimeoutError {
    const within = `within ${formatDuration(this.#timeoutMs)}${since}`;
    const options = { endpoint: this.#endpoint, afterMs: this.#timeoutMs };
    return new TimeoutError("reply", `${this.#endpoint} ${what} ${within}`, options);
  }
}

/** Searches bytes; `wanted` is the expected bytes, if not a pattern. */
export function matcherOf(
  pattern: Pattern,
  wanted: Uint8Array | undefined,
  captures: Captures,
): (bytes: Uint8Array) => Match | undefined {
  if (pattern.kind === "exact") return (bytes) => matchExact(pattern.bytes, bytes, true) || undefined;
  if (pattern.kind !== "regex") return (bytes) => matchBytes(wanted ?? NO_BYTES, bytes);
  // A global or sticky expression would continue after its last match.
  const flags = (pattern.flags ?? "").replaceAll(/[gyu]/g, "");
  const regex = new RegExp(fillRegex(pattern.source, captures), flags.includes("v") ? flags : `${flags}u`);
  return (bytes) => matchRegex(regex, bytes);
}

/** A WebSocket message's type, as flags and reports name it. */
export function typeName({ isText }: { readonly isText?: boolean | undefined }): "text" | "binary" {
  return isText ? "text" : "binary";
}

/** Formats bytes for messages: text in quotation marks, anything else in hexadecimal. */
export function quote(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return `"${preview(bytes)}"`;
  const hex = formatHex(bytes.subarray(0, 64));
  return bytes.length > 64 ? `${hex}... (${bytes.length} bytes)` : hex;
}
