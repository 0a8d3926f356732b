import { NO_BYTES } from "../base/bytes.ts";
import { ClosedError, FrameError, ResetError, toError, UsageError } from "../base/errors.ts";
import { rawCodec } from "../framing/raw.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { Deadline } from "../net/deadline.ts";
import { delay, onAbort } from "../net/wait.ts";
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

/** Time limit for the peer to end its side after this one. */
const LINGER_MS = 250;

/** Default of {@linkcode Pieces.everyMs}: the peer then usually reads the slices one by one. */
const SLICE_EVERY_MS = 1;
/** Chunk size for a truncated message: less than an outbox holds. */
const SLICE_BYTES = 64 * 1024;

/** The part of a session that an exchange needs, also implemented by datagram peers. */
export type ExchangeSession =
  & Pick<
    Session,
    | "remote"
    | "log"
    | "framer"
    | "closeReason"
    | "closeFrame"
    | "receive"
    | "unreceive"
    | "write"
    | "sendFramed"
    | "flush"
    | "closeWrite"
    | "close"
    | "reset"
    | "finish"
  >
  & { readonly kind: Session["kind"] | "datagram" };

/** Options of {@linkcode runExchange}. */
export interface ExchangeOptions {
  /** Time limit per step, in milliseconds; for a reply to begin, not for all of it. */
  readonly timeoutMs: number;
  /** Earlier captures. */
  readonly captures?: Captures;
  /** Called for each sent message. */
  readonly onSent?: ((data: Uint8Array, isText: boolean) => void) | undefined;
  /** Called for each received message; reading waits for it. */
  readonly onReceived?: ((message: Message) => void | Promise<void>) | undefined;
  /** Aborts with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Leaves the session open if all steps have succeeded, the last one was not a send, and nothing unmatched was
   * received.
   */
  readonly leavesOpen?: boolean;
}

/** The result of one step. */
export interface StepReport {
  /** The step. */
  readonly step: Step;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** The sent or expected bytes. */
  readonly data: Uint8Array | undefined;
  /** The matched bytes, or the reply. */
  readonly received?: Uint8Array;
  /** Over WebSocket, whether the message that was sent or received is text. */
  readonly isText?: boolean;
  /** Why it failed. */
  readonly error?: Error;
}

/** The result of an exchange. */
export interface ExchangeReport {
  /** The executed steps; only the last one can have failed. */
  readonly steps: readonly StepReport[];
  /** Why it failed. */
  readonly error: Error | undefined;
  /** Captures by name and number. */
  readonly captures: Captures;
  /** Received bytes that were not expected. */
  readonly unmatched: Uint8Array;
  /** Number of received bytes. */
  readonly receivedBytes: number;
  /** Whether the session was left open. */
  readonly isOpen: boolean;
}

/** Whether the session has messages; otherwise it is a byte stream. */
export function isMessageWise({ kind, framer }: Pick<ExchangeSession, "kind" | "framer">): boolean {
  return kind !== "stream" || framer !== framerOf(rawCodec);
}

/**
 * Runs the steps in order and stops at the first failure. Failures caused by the peer are reported, not thrown. The
 * session is closed at the end, gracefully after success and immediately after a failure, unless it is to be left open.
 *
 * A wrong reply is an `ExpectationError`, a missing one a `TimeoutError`, a close without data a `ClosedEarlyError`.
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

/** An exchange in progress, for steps that are not all known in advance; see {@linkcode runExchange}. */
export class Exchange {
  /** Captures so far. */
  readonly captures: Map<string, string>;
  /** Received data that has not been matched. */
  readonly inbox: Inbox;
  readonly #session: ExchangeSession;
  readonly #options: ExchangeOptions;
  readonly #expectations: Expectations;
  readonly #endpoint: string;
  readonly #reports: StepReport[] = [];
  readonly #enough = new AbortController();
  readonly #receiving: Promise<void>;
  /** Ends the inbox when the signal aborts. */
  readonly #abortion: Disposable;
  #hasEnded = false;

  /** Starts reading from the session. */
  constructor(session: ExchangeSession, options: ExchangeOptions) {
    this.#session = session;
    this.#options = options;
    this.inbox = new Inbox(isMessageWise(session));
    this.captures = new Map(options.captures);
    this.#expectations = new Expectations(session, this.inbox, this.captures, options.timeoutMs);
    this.#endpoint = formatEndpoint(session.remote);
    this.#abortion = onAbort(options.signal, () => {
      const reason: unknown = options.signal?.reason;
      this.inbox.end(reason instanceof Error ? reason : new Error("aborted"));
    });
    this.#receiving = this.#receive();
  }

  /** Runs steps in order; returns the error of the first that fails. */
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
   * Waits for the next input: a message, or the bytes of a stream until it is quiet for `quietMs`, or for `waitMs`
   * while no rule matches. It stays in the inbox; `undefined` once the peer has ended.
   *
   * @throws The error of the connection.
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

  /** Matches a pattern, with captures substituted, against an input. */
  match(pattern: Pattern, { data, isText }: Unit): Match | undefined {
    if (pattern.isText !== undefined && this.#session.kind === "websocket" && pattern.isText !== isText) {
      return undefined;
    }
    return matcherOf(pattern, this.#patternBytes(pattern), this.captures)(data);
  }

  /** Number of executed steps. */
  get stepCount(): number {
    return this.#reports.length;
  }

  /**
   * Ends the session, or leaves it open if the options say so, and returns the report. It is closed immediately if a
   * step or the caller's own check has failed.
   */
  async end(isInOrder = true): Promise<ExchangeReport> {
    const last = this.#reports.at(-1);
    const error = last?.error;
    const isAnswered = error === undefined && last?.step.kind !== "send";
    const isOpen = isAnswered && await this.#stopReceiving();
    if (!isOpen) await this.#finish(isInOrder && error === undefined);
    this.#abortion[Symbol.dispose]();
    // Without expectations, a reply followed by an abnormal close is not a success.
    const abnormal = last?.step.kind === "reply" ? abnormalClose(this.#session) : undefined;
    return { ...this.#report(error ?? abnormal), isOpen };
  }

  /** Stops reading, leaves the session unchanged, and returns the report. */
  async release(): Promise<ExchangeReport> {
    this.#abortion[Symbol.dispose]();
    this.#enough.abort();
    if (this.inbox.state === "open") await this.#receiving;
    return { ...this.#report(this.#reports.at(-1)?.error), isOpen: this.#session.closeReason === undefined };
  }

  #report(error: Error | undefined): Omit<ExchangeReport, "isOpen"> {
    const { unmatched, receivedBytes } = this.inbox;
    return { steps: this.#reports, error, captures: this.captures, unmatched, receivedBytes };
  }

  /** Also reads while sending, because an echoing peer would otherwise stop reading. */
  async #receive(): Promise<void> {
    // Only if needed, because deadlines and signals make each wait slower.
    const wait = this.#options.leavesOpen ? { signal: this.#enough.signal } : undefined;
    try {
      for (let batch = await this.#session.receive(wait); batch; batch = await this.#session.receive(wait)) {
        for (const message of batch) {
          this.inbox.hold();
          await this.#options.onReceived?.(message);
          this.inbox.push(message);
        }
      }
      this.inbox.end("ended");
    } catch (error) {
      if (this.#enough.signal.aborted) return;
      this.inbox.end(toError(error));
    }
  }

  /** Stops reading, if the session is to be left open and can be. */
  async #stopReceiving(): Promise<boolean> {
    const isQuiet = () => this.inbox.state === "open" && this.inbox.isEmpty && !this.#hasEnded;
    if (!this.#options.leavesOpen || !isQuiet()) return false;
    this.#enough.abort();
    await this.#receiving;
    return isQuiet() && this.#session.closeReason === undefined;
  }

  /** Tries to avoid a reset, which the peer would log as an error. */
  async #finish(isOrderly: boolean): Promise<void> {
    try {
      if (this.#session.kind === "websocket") {
        return isOrderly ? await this.#session.finish() : await leave(this.#session);
      }
      if (!isOrderly || this.inbox.state instanceof Error) return;
      await this.#session.closeWrite();
      const deadline = new Deadline(LINGER_MS);
      while (this.inbox.state === "open" && await this.inbox.change(deadline.remainingMs));
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
      // The expected reset may arrive during a send.
      if (step.kind === "send" && next?.kind === "expect-reset" && error instanceof ResetError) {
        this.inbox.end(error);
        return {};
      }
      return { error: toError(error) };
    }
  }

  async #do(step: Step, data: Uint8Array | undefined): Promise<Unit | undefined> {
    switch (step.kind) {
      case "send":
        await this.#send(data ?? NO_BYTES, step.isText, step.pieces);
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
    // A stream has no empty messages.
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
    throw new UsageError(`Cannot half-close ${this.#endpoint}: WebSocket does not support it`);
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
    const deadline = new Deadline(forMs);
    const { signal } = this.#options;
    while (deadline.remainingMs > 0 && !signal?.aborted) await this.inbox.change(deadline.remainingMs);
    signal?.throwIfAborted();
  }
}
