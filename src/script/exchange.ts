import { ClosedError, FrameError, ResetError, UsageError } from "../base/errors.ts";
import { rawCodec } from "../framing/raw.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { delay } from "../net/wait.ts";
import { framerOf } from "../session/framer.ts";
import type { Message, Session } from "../session/session.ts";
import { abnormalClose, leave } from "../websocket/close_frame.ts";
import { CLOSE_CODE } from "../session/close_code.ts";
import { assertText, notEncodable } from "./encodable.ts";
import { Expectations, matcherOf } from "./expectations.ts";
import { Inbox, type Unit } from "./inbox.ts";
import type { Match } from "./match.ts";
import type { Captures } from "./payload.ts";
import type { Pattern, Pieces, Step } from "./steps.ts";

/** How long a peer that has done its part may take to end its side after ours. */
const LINGER_MS = 250;

/** Default of {@linkcode Pieces.everyMs}: the peer then reads the slices one by one, as a rule. */
const SLICE_EVERY_MS = 1;
/** Sent at a time where only the end of a message is cut off: less than an outbox holds. */
const SLICE_BYTES = 64 * 1024;

/** What an exchange needs of a session, dialled or accepted; a datagram peer has it too. */
export type ExchangeSession =
  & Pick<
    Session,
    | "remote"
    | "log"
    | "framer"
    | "closeReason"
    | "closeFrame"
    | "receive"
    | "write"
    | "sendFramed"
    | "flush"
    | "closeWrite"
    | "close"
    | "reset"
    | "finish"
  >
  & { readonly kind: Session["kind"] | "datagram" };

/** How an exchange is run. */
export interface ExchangeOptions {
  /** For each step, in milliseconds. */
  readonly timeoutMs: number;
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
  /** What was to be done. */
  readonly step: Step;
  /** How long it took, in milliseconds. */
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
  /** What the expectations have captured, by name and number. */
  readonly captures: Captures;
  /** What came and was not expected. */
  readonly unmatched: Uint8Array;
  /** Bytes that were received. */
  readonly receivedBytes: number;
  /** Whether the session was left open. */
  readonly isOpen: boolean;
}

/** Whether the session gives messages; otherwise it gives a stream in pieces of any size. */
export function isMessageWise({ kind, framer }: Pick<ExchangeSession, "kind" | "framer">): boolean {
  return kind !== "stream" || framer !== framerOf(rawCodec);
}

/**
 * Does one step after another, and stops at the first that fails. It never
 * throws for the peer's doing: the report says what happened. The session is
 * closed at the end, unless it is to be left open: in order after success, at
 * once after a failure.
 *
 * A peer that answered wrongly is an `ExpectationError`, one that said nothing
 * a `TimeoutError`, one that closed without data a `ClosedEarlyError`.
 */
export async function runExchange(
  session: ExchangeSession,
  steps: readonly Step[],
  options: ExchangeOptions,
): Promise<ExchangeReport> {
  const exchange = new Exchange(session, options);
  await exchange.run(steps);
  return await exchange.end();
}

/** An exchange with a peer, while it lasts. Steps can be run as they are known; {@linkcode runExchange} knows them all. */
export class Exchange {
  /** What has been captured so far. */
  readonly captures: Map<string, string>;
  /** What has come and has not been matched. */
  readonly inbox: Inbox;
  readonly #session: ExchangeSession;
  readonly #options: ExchangeOptions;
  readonly #expectations: Expectations;
  readonly #endpoint: string;
  readonly #reports: StepReport[] = [];
  readonly #enough = new AbortController();
  readonly #receiving: Promise<void>;
  readonly #onAbort = () => {
    const reason: unknown = this.#options.signal?.reason;
    this.inbox.end(reason instanceof Error ? reason : new Error("aborted"));
  };
  #hasEnded = false;

  /** Reads from the session from now on. */
  constructor(session: ExchangeSession, options: ExchangeOptions) {
    this.#session = session;
    this.#options = options;
    this.inbox = new Inbox(isMessageWise(session));
    this.captures = new Map(options.captures);
    this.#expectations = new Expectations(session, this.inbox, this.captures, options.timeoutMs);
    this.#endpoint = formatEndpoint(session.remote);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
    this.#receiving = this.#receive();
  }

  /** Does one step after another; the result is the error of the first that fails. */
  async run(steps: readonly Step[]): Promise<Error | undefined> {
    for (const [index, step] of steps.entries()) {
      const startMs = performance.now();
      const data = this.#dataOf(step);
      const outcome = await this.#attempt(step, data, steps[index + 1]);
      this.#reports.push({ step, ms: performance.now() - startMs, data, ...outcome });
      if (outcome.error) return outcome.error;
    }
    return undefined;
  }

  /**
   * Waits for the next input: a message, or of a stream all that comes until
   * it is quiet for `quietMs`, or for `waitMs` while it is not known. It is
   * left in the inbox; `undefined` once the peer has ended.
   *
   * @throws What broke the connection.
   */
  async nextInput(
    isKnown: (input: Unit) => boolean,
    { quietMs, waitMs }: { quietMs: number; waitMs: number },
  ): Promise<Unit | undefined> {
    while (this.inbox.isEmpty) {
      if (this.inbox.state === "ended") return undefined;
      if (this.inbox.state !== "open") throw this.inbox.state;
      await this.inbox.change(Infinity);
    }
    for (;;) {
      const { first } = this.inbox;
      if (first === undefined || this.inbox.isMessageWise || this.inbox.state !== "open") return first;
      if (!await this.inbox.change(isKnown(first) ? quietMs : waitMs)) return this.inbox.first;
    }
  }

  /** Where the pattern, with what has been captured put in, matches an input. */
  match(pattern: Pattern, { data, isText }: Unit): Match | undefined {
    if (pattern.isText !== undefined && this.#session.kind === "websocket" && pattern.isText !== isText) {
      return undefined;
    }
    return matcherOf(pattern, this.#patternBytes(pattern), this.captures)(data);
  }

  /** Steps that were tried. */
  get stepCount(): number {
    return this.#reports.length;
  }

  /**
   * Ends the session, or leaves it open where the options want that, and
   * reports what happened. It is closed at once where a step has failed, or
   * what the caller saw was not in order.
   */
  async end(isInOrder = true): Promise<ExchangeReport> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    const last = this.#reports.at(-1);
    const error = last?.error;
    const isAnswered = error === undefined && last?.step.kind !== "send";
    const isOpen = isAnswered && await this.#stopReceiving();
    if (!isOpen) await this.#finish(isInOrder && error === undefined);
    // Only where no expectation says what counts: a reply followed by an abnormal close is no success.
    const abnormal = last?.step.kind === "reply" ? abnormalClose(this.#session) : undefined;
    return { ...this.#report(error ?? abnormal), isOpen };
  }

  /** Reads no more, leaves the session as it is, and reports what happened. */
  async release(): Promise<ExchangeReport> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#enough.abort();
    if (this.inbox.state === "open") await this.#receiving;
    return { ...this.#report(this.#reports.at(-1)?.error), isOpen: this.#session.closeReason === undefined };
  }

  #report(error: Error | undefined): Omit<ExchangeReport, "isOpen"> {
    const { unmatched, receivedBytes } = this.inbox;
    return { steps: this.#reports, error, captures: this.captures, unmatched, receivedBytes };
  }

  /** Reads all the time, also while something is sent: a peer that echoes would stop reading otherwise. */
  async #receive(): Promise<void> {
    // A deadline or a signal costs each wait something: only where it is needed.
    const wait = this.#options.leavesOpen ? { signal: this.#enough.signal } : undefined;
    try {
      for (let batch = await this.#session.receive(wait); batch; batch = await this.#session.receive(wait)) {
        for (const message of batch) {
          await this.#options.onReceived?.(message);
          this.inbox.push(message);
        }
      }
      this.inbox.end("ended");
    } catch (error) {
      if (this.#enough.signal.aborted) return;
      this.inbox.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Reads no more, where the session is to be left open and can be. */
  async #stopReceiving(): Promise<boolean> {
    const isQuiet = () => this.inbox.state === "open" && this.inbox.isEmpty && !this.#hasEnded;
    if (!this.#options.leavesOpen || !isQuiet()) return false;
    this.#enough.abort();
    await this.#receiving;
    return isQuiet() && this.#session.closeReason === undefined;
  }

  /** Leaves without a reset, which would be an error in the peer's log, where the peer is quick to end too. */
  async #finish(isOrderly: boolean): Promise<void> {
    try {
      if (this.#session.kind === "websocket") {
        return isOrderly ? await this.#session.finish() : await leave(this.#session);
      }
      if (!isOrderly || this.inbox.state instanceof Error) return;
      await this.#session.closeWrite();
      const endMs = performance.now() + LINGER_MS;
      while (this.inbox.state === "open" && await this.inbox.change(endMs - performance.now()));
    } catch (error) {
      this.#session.log.debug("the peer closed the connection before the end", { error: String(error) });
    } finally {
      this.#session.close("done");
    }
  }

  #dataOf(step: Step): Uint8Array | undefined {
    if (step.kind === "send") return step.data.bytes(this.captures);
    return step.kind === "expect" ? this.#patternBytes(step.pattern) : undefined;
  }

  #patternBytes(pattern: Pattern): Uint8Array | undefined {
    if (pattern.kind === "regex") return undefined;
    return pattern.kind === "text" ? pattern.text.bytes(this.captures) : pattern.bytes;
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
      if (step.kind === "send" && next?.kind === "expect-reset" && error instanceof ResetError) {
        this.inbox.end(error);
        return {};
      }
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  async #do(step: Step, data: Uint8Array | undefined): Promise<Unit | undefined> {
    switch (step.kind) {
      case "send":
        await this.#send(data ?? new Uint8Array(0), step.isText, step.pieces);
        return undefined;
      case "end":
        await this.#end();
        return undefined;
      case "close":
        await this.#close(step);
        return undefined;
      case "reset":
        this.#reset();
        return undefined;
      case "delay":
        await this.#delay(step.forMs);
        return undefined;
      case "expect":
        return await this.#expectations.pattern(step.pattern, data);
      case "expect-close":
        await this.#expectations.close(step.code);
        return undefined;
      case "expect-reset":
        await this.#expectations.reset();
        return undefined;
      case "expect-silence":
        await this.#expectations.silence(step.forMs);
        return undefined;
      case "reply":
        return await this.#expectations.reply(step.quietMs);
    }
  }

  async #send(data: Uint8Array, isText: boolean, pieces: Pieces | undefined): Promise<void> {
    // A stream has no empty message.
    if (data.length === 0 && !this.inbox.isMessageWise) return;
    if (isText && this.#session.kind === "websocket") assertText(data);
    this.#options.onSent?.(data, isText);
    try {
      if (pieces === undefined) await this.#session.write(data, isText);
      else await this.#sendPieces(this.#session.framer.frame(data, isText), pieces);
    } catch (error) {
      throw error instanceof FrameError ? notEncodable(error) : error;
    }
  }

  async #sendPieces(wire: Uint8Array, { sliceBytes, everyMs, truncateBytes }: Pieces): Promise<void> {
    const bytes = wire.subarray(0, truncateBytes);
    const length = sliceBytes ?? SLICE_BYTES;
    for (let at = 0; at < bytes.length; at += length) {
      if (at > 0 && sliceBytes !== undefined) await delay(everyMs ?? SLICE_EVERY_MS, this.#options.signal);
      if (!this.#session.sendFramed(bytes.subarray(at, at + length))) {
        throw new ClosedError(`Cannot write to ${this.#endpoint}: the connection is closed`, {
          endpoint: this.#endpoint,
        });
      }
      await this.#session.flush();
    }
  }

  async #end(): Promise<void> {
    this.#hasEnded = true;
    if (await this.#session.closeWrite()) return;
    throw new UsageError(`Cannot end one side of ${this.#endpoint}: WebSocket ends both at once`);
  }

  async #close({ code, text = "" }: { code?: number | undefined; text?: string | undefined }): Promise<void> {
    if (this.#session.kind !== "websocket") return await this.#finish(true);
    await this.#session.finish("done", { closeFrame: { code: code ?? CLOSE_CODE.normal, text } });
  }

  #reset(): void {
    this.inbox.end("ended");
    if (this.#session.reset()) return;
    throw new UsageError(`Cannot reset ${this.#endpoint}: only TCP connections can be reset; this one was closed`);
  }

  async #delay(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs;
    const { signal } = this.#options;
    while (performance.now() < endMs && !signal?.aborted) await this.inbox.change(endMs - performance.now());
    signal?.throwIfAborted();
  }
}
