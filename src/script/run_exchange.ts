import { formatHex, preview } from "../base/bytes.ts";
import { ClosedEarlyError, FrameError, ResetError, TimeoutError, UsageError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Message, Session } from "../serve/session.ts";
import { abnormalClose, closeFrameText, leave } from "../serve/websocket/close_frame.ts";
import { assertText, isUtf8, notEncodable } from "./encodable.ts";
import { ExpectationError } from "./expectation_error.ts";
import { Inbox, type Unit } from "./inbox.ts";
import { type Match, matchBytes, matchExact, matchRegex } from "./match.ts";
import { type Captures, fillRegex } from "./payload.ts";
import type { Pattern, Step } from "./steps.ts";

/**
 * A regular expression that matches up to the last byte that came might match
 * more of what comes next; so long it is waited for.
 */
const SETTLE_MS = 50;

/** How long a peer that has done its part may take to end its side after ours. */
const LINGER_MS = 250;

/** How an exchange is run. */
export interface ExchangeOptions {
  /** For each step, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the session gives messages; otherwise it gives a stream in pieces of any size. */
  readonly isMessageWise: boolean;
  /** What has been captured before. */
  readonly captures?: Captures;
  /** Told of each message that goes. */
  readonly onSent?: ((data: Uint8Array, isText: boolean) => void) | undefined;
  /** Told of each message that comes; nothing further is read until it is done. */
  readonly onReceived?: ((message: Message) => void | Promise<void>) | undefined;
  /** Ends it with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Leaves the session open where every step has succeeded, the last thing was
   * not to send, and nothing came that no step has matched.
   */
  readonly leavesOpen?: boolean;
}

/** What came of one step. */
export interface StepReport {
  readonly step: Step;
  readonly ms: number;
  /** The bytes that were sent, or that were expected. */
  readonly data: Uint8Array | undefined;
  /** What an expectation matched, or the reply that came. */
  readonly received?: Uint8Array;
  /** Over WebSocket, whether the message that was sent or received is text. */
  readonly isText?: boolean;
  /** Why it failed. */
  readonly error?: Error;
}

/** What came of an exchange. */
export interface ExchangeReport {
  /** The steps that were tried, in order; only the last one can have failed. */
  readonly steps: readonly StepReport[];
  /** Why it failed. */
  readonly error: Error | undefined;
  readonly captures: Captures;
  /** What came and was not expected. */
  readonly unmatched: Uint8Array;
  readonly receivedBytes: number;
  /** Whether the session was left open. */
  readonly isOpen: boolean;
}

/**
 * Does one step after another, and stops at the first that fails. It never
 * throws for the peer's doing: the report says what happened. The session is
 * closed at the end, unless it is to be left open: in order after success, at
 * once after a failure.
 *
 * A peer that answered wrongly is an `ExpectationError`, one that said nothing
 * a `TimeoutError`, one that ended without a word a `ClosedEarlyError`.
 */
export async function runExchange(
  session: Session,
  steps: readonly Step[],
  options: ExchangeOptions,
): Promise<ExchangeReport> {
  return await new Exchange(session, options).run(steps);
}

class Exchange {
  readonly #session: Session;
  readonly #options: ExchangeOptions;
  readonly #inbox: Inbox;
  readonly #captures: Map<string, string>;
  readonly #endpoint: string;
  readonly #enough = new AbortController();
  #hasEnded = false;

  constructor(session: Session, options: ExchangeOptions) {
    this.#session = session;
    this.#options = options;
    this.#inbox = new Inbox(options.isMessageWise);
    this.#captures = new Map(options.captures);
    this.#endpoint = formatEndpoint(session.remote);
  }

  async run(steps: readonly Step[]): Promise<ExchangeReport> {
    const { signal } = this.#options;
    const onAbort = () => this.#inbox.end(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const reports: StepReport[] = [];
    const receiving = this.#receive();
    for (const [index, step] of steps.entries()) {
      const startMs = performance.now();
      const data = this.#dataOf(step);
      const outcome = await this.#attempt(step, data, steps[index + 1]);
      reports.push({ step, ms: performance.now() - startMs, data, ...outcome });
      if (outcome.error) break;
    }
    signal?.removeEventListener("abort", onAbort);
    const error = reports.at(-1)?.error;
    const isAnswered = error === undefined && reports.at(-1)?.step.kind !== "send";
    const isOpen = isAnswered && await this.#stopReceiving(receiving);
    if (!isOpen) await this.#finish(error === undefined);
    const { unmatched, receivedBytes } = this.#inbox;
    // Only where no expectation says what counts: a reply followed by an abnormal close is no success.
    const abnormal = reports.at(-1)?.step.kind === "reply" ? abnormalClose(this.#session) : undefined;
    return { steps: reports, error: error ?? abnormal, captures: this.#captures, unmatched, receivedBytes, isOpen };
  }

  /** Reads all the time, also while something is sent: a peer that echoes would stop reading otherwise. */
  async #receive(): Promise<void> {
    // A deadline or a signal costs each wait something: only where it is needed.
    const wait = this.#options.leavesOpen ? { signal: this.#enough.signal } : undefined;
    try {
      for (let batch = await this.#session.receive(wait); batch; batch = await this.#session.receive(wait)) {
        for (const message of batch) {
          await this.#options.onReceived?.(message);
          this.#inbox.push(message);
        }
      }
      this.#inbox.end("ended");
    } catch (error) {
      if (this.#enough.signal.aborted) return;
      this.#inbox.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Reads no more, where the session is to be left open and can be. */
  async #stopReceiving(receiving: Promise<void>): Promise<boolean> {
    const isQuiet = () => this.#inbox.state === "open" && this.#inbox.isEmpty && !this.#hasEnded;
    if (!this.#options.leavesOpen || !isQuiet()) return false;
    this.#enough.abort();
    await receiving;
    return isQuiet() && this.#session.closeReason === undefined;
  }

  /** Leaves without a reset, which would be an error in the peer's log, where the peer is quick to end too. */
  async #finish(isOrderly: boolean): Promise<void> {
    try {
      if (this.#session.kind === "websocket") {
        return isOrderly ? await this.#session.finish() : await leave(this.#session);
      }
      if (!isOrderly || this.#inbox.state instanceof Error) return;
      await this.#session.closeWrite();
      const endMs = performance.now() + LINGER_MS;
      while (this.#inbox.state === "open" && await this.#inbox.change(endMs - performance.now()));
    } catch (error) {
      this.#session.log.debug("the peer was gone before the end", { error: String(error) });
    } finally {
      this.#session.close("done");
    }
  }

  #dataOf(step: Step): Uint8Array | undefined {
    if (step.kind === "send") return step.data.bytes(this.#captures);
    if (step.kind !== "expect" || step.pattern.kind === "regex") return undefined;
    if (step.pattern.kind === "exact") return step.pattern.bytes;
    return step.pattern.kind === "text" ? step.pattern.text.bytes(this.#captures) : step.pattern.bytes;
  }

  async #attempt(
    step: Step,
    data: Uint8Array | undefined,
    next: Step | undefined,
  ): Promise<Pick<StepReport, "received" | "isText" | "error">> {
    try {
      const received = await this.#do(step, data);
      const isText = step.kind === "send" ? step.isText : received?.isText;
      return {
        ...(received === undefined ? {} : { received: received.data }),
        ...(isText === undefined || this.#session.kind === "stream" ? {} : { isText }),
      };
    } catch (error) {
      // The reset that is expected may come while we are still sending.
      if (step.kind === "send" && next?.kind === "reset" && error instanceof ResetError) {
        this.#inbox.end(error);
        return {};
      }
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  async #do(step: Step, data: Uint8Array | undefined): Promise<Unit | undefined> {
    switch (step.kind) {
      case "send":
        await this.#send(data ?? new Uint8Array(0), step.isText);
        return undefined;
      case "end":
        await this.#end();
        return undefined;
      case "pause":
        await this.#pause(step.forMs);
        return undefined;
      case "expect":
        return await (step.pattern.kind === "exact"
          ? this.#expectExactly(step.pattern)
          : this.#expect(step.pattern, data));
      case "close":
        await this.#expectClose(step.code);
        return undefined;
      case "reset":
        await this.#expectReset();
        return undefined;
      case "silence":
        await this.#expectSilence(step.forMs);
        return undefined;
      case "reply":
        return await this.#takeReply(step.quietMs);
    }
  }

  async #send(data: Uint8Array, isText: boolean): Promise<void> {
    // A stream has no empty message.
    if (data.length === 0 && !this.#options.isMessageWise) return;
    if (isText && this.#session.kind === "websocket") assertText(data);
    this.#options.onSent?.(data, isText);
    try {
      await this.#session.write(data, isText);
    } catch (error) {
      throw error instanceof FrameError ? notEncodable(error) : error;
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    if (await this.#session.closeWrite()) return;
    throw new UsageError(`Cannot end one side of ${this.#endpoint}: WebSocket ends both at once`);
  }

  async #pause(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs;
    while (performance.now() < endMs) await this.#inbox.change(endMs - performance.now());
  }

  async #expectExactly(pattern: Extract<Pattern, { kind: "exact" }>): Promise<Unit> {
    const endMs = performance.now() + this.#options.timeoutMs;
    for (;;) {
      const { first } = this.#inbox;
      const isOtherType = first !== undefined && pattern.isText !== undefined && first.isText !== pattern.isText &&
        this.#session.kind === "websocket";
      const match = first && !isOtherType && matchExact(pattern.bytes, first.data, this.#inbox.isMessageWise);
      if (match) return this.#inbox.take({ unit: 0, match });
      if (match === false || this.#inbox.state !== "open" || !await this.#inbox.change(endMs - performance.now())) {
        throw this.#unmet(pattern, pattern.bytes);
      }
    }
  }

  async #expect(pattern: Pattern, wanted: Uint8Array | undefined): Promise<Unit> {
    // Empty once captures are put in: it would match whatever comes.
    if (wanted?.length === 0) throw this.#wrong("the expected text is empty");
    const match = this.#matcherOf(pattern, wanted);
    const endMs = performance.now() + this.#options.timeoutMs;
    for (;;) {
      const found = this.#inbox.find(match, pattern.isText);
      const leftMs = endMs - performance.now();
      const isSettled = pattern.kind !== "regex" || !found?.isAtEnd || this.#inbox.state !== "open";
      if (found && (isSettled || !await this.#inbox.change(Math.min(SETTLE_MS, leftMs)))) {
        for (const [name, value] of found.match.captures) this.#captures.set(name, value);
        return this.#inbox.take(found);
      }
      if (found) continue;
      if (this.#inbox.state !== "open" || !await this.#inbox.change(leftMs)) throw this.#unmet(pattern, wanted);
    }
  }

  #matcherOf(pattern: Pattern, wanted: Uint8Array | undefined): (bytes: Uint8Array) => Match | undefined {
    if (pattern.kind !== "regex") return (bytes) => matchBytes(wanted ?? new Uint8Array(0), bytes);
    // A global or sticky expression would go on after its last match.
    const flags = (pattern.flags ?? "").replaceAll(/[gyu]/g, "");
    const regex = new RegExp(fillRegex(pattern.source, this.#captures), flags.includes("v") ? flags : `${flags}u`);
    return (bytes) => matchRegex(regex, bytes);
  }

  async #expectClose(code: number | undefined): Promise<void> {
    const endMs = performance.now() + this.#options.timeoutMs;
    while (this.#inbox.state === "open" && await this.#inbox.change(endMs - performance.now()));
    if (this.#inbox.state === "open") throw this.#tooLate("did not close the connection");
    if (this.#inbox.state !== "ended") throw this.#inbox.state;
    if (code === undefined) {
      const abnormal = abnormalClose(this.#session);
      if (abnormal !== undefined) throw abnormal;
    } else if (this.#session.closeFrame?.code !== code) {
      const how = closeFrameText(this.#session) || " (no close code)";
      throw this.#wrong(`${this.#endpoint} closed the WebSocket${how}; expected close code ${code}`);
    }
  }

  async #expectReset(): Promise<void> {
    const endMs = performance.now() + this.#options.timeoutMs;
    while (this.#inbox.state === "open" && await this.#inbox.change(endMs - performance.now()));
    const { state } = this.#inbox;
    if (state === "open") throw this.#tooLate("did not reset the connection");
    if (state === "ended") throw this.#wrong(`${this.#endpoint} closed the connection in order: a reset was expected`);
    if (!(state instanceof ResetError)) throw state;
  }

  async #expectSilence(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs;
    for (;;) {
      const { state } = this.#inbox;
      if (!this.#inbox.isEmpty) throw this.#wrong(`silence was expected from ${this.#endpoint}, but ${this.#came()}`);
      if (state === "ended") {
        throw new ClosedEarlyError(
          `${this.#endpoint} closed the connection: silence for ${formatDuration(forMs)} was expected`,
          { endpoint: this.#endpoint },
        );
      }
      if (state !== "open") throw state;
      if (!await this.#inbox.change(endMs - performance.now())) return;
    }
  }

  async #takeReply(quietMs: number): Promise<Unit> {
    const endMs = performance.now() + this.#options.timeoutMs;
    while (this.#inbox.isEmpty) {
      const { state } = this.#inbox;
      if (state === "ended") throw this.#endedWithoutWord();
      if (state !== "open") throw state;
      if (!await this.#inbox.change(endMs - performance.now())) throw this.#tooLate("sent no reply");
    }
    if (this.#inbox.isMessageWise) return this.#inbox.takeReply();
    while (this.#inbox.state === "open" && await this.#inbox.change(quietMs));
    const { state } = this.#inbox;
    if (state instanceof Error) throw state;
    return this.#inbox.takeReply();
  }

  #unmet(pattern: Pattern, wanted: Uint8Array | undefined): Error {
    const { state } = this.#inbox;
    if (state instanceof Error) return state;
    const text = wanted === undefined ? `/${pattern.kind === "regex" ? pattern.source : ""}/` : quote(wanted);
    const isTyped = pattern.isText !== undefined && this.#session.kind === "websocket";
    const name = isTyped ? `${typeName(pattern)} ${text}` : text;
    if (!this.#inbox.isEmpty) {
      const first = isTyped && this.#inbox.first ? `${typeName(this.#inbox.first)} ` : "";
      return this.#wrong(`expected ${name} from ${this.#endpoint}, but ${first}${this.#came()}`, wanted);
    }
    if (state === "ended") return this.#endedWithoutWord(` ${name} was expected`);
    return this.#tooLate(`sent nothing of what was expected, ${name}`);
  }

  #came(): string {
    return `${quote(this.#inbox.unmatched)} came`;
  }

  #wrong(message: string, expected?: Uint8Array): ExpectationError {
    return new ExpectationError(message, {
      endpoint: this.#endpoint,
      received: this.#inbox.unmatched,
      ...(expected ? { expected } : {}),
    });
  }

  #endedWithoutWord(more = ""): ClosedEarlyError {
    const closed = `${this.#endpoint} closed the connection without a reply${closeFrameText(this.#session)}`;
    const message = `${closed}${more === "" ? "" : `:${more}`}`;
    return new ClosedEarlyError(message, { endpoint: this.#endpoint });
  }

  #tooLate(what: string): TimeoutError {
    const within = formatDuration(this.#options.timeoutMs);
    return new TimeoutError("reply", `${this.#endpoint} ${what} within ${within}`, { endpoint: this.#endpoint });
  }
}

/** A WebSocket message's type, as flags and reports name it. */
export function typeName({ isText }: { readonly isText?: boolean | undefined }): "text" | "binary" {
  return isText ? "text" : "binary";
}

function quote(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return `"${preview(bytes)}"`;
  const hex = formatHex(bytes.subarray(0, 64));
  return bytes.length > 64 ? `${hex}... (${bytes.length} bytes)` : hex;
}
