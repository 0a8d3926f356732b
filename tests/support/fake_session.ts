import { parseDuration } from "../../src/base/units.ts";
import { type Endpoint, Logger, parseEndpoint, parseFraming } from "@parley/parley";
import type { CloseReason } from "../../src/net/close_reason.ts";
import { TimeoutError } from "../../src/base/errors.ts";
import type { WaitOptions } from "../../src/net/wait.ts";
import { framerOf } from "../../src/session/framer.ts";
import type { Message, Session } from "../../src/session/session.ts";
import { SessionBase } from "../../src/session/session_base.ts";

const CODEC = parseFraming("line");

/** A session without a network: the test supplies the peer's messages, and reads what is sent to it. */
export class FakeSession extends SessionBase implements Session {
  readonly id = 1;
  readonly kind: Session["kind"];
  readonly subprotocol: string | undefined;
  readonly identity: Session["identity"];
  /** Whether its outbox has no room, which a sender finds out by `send()`. */
  isFull = false;
  framer = framerOf(CODEC);
  readonly remote: Endpoint;
  readonly local: Endpoint = parseEndpoint("127.0.0.1:2");
  readonly log: Logger = Logger.of("test");
  queuedBytes = 0;
  closeReason: CloseReason | undefined;
  note: string | undefined;
  #closed = Promise.withResolvers<CloseReason>();

  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  get isWritable(): boolean {
    return this.closeReason === undefined;
  }

  /** Broadcasts as they came, to see whether they are shared. */
  readonly framed: Uint8Array[] = [];
  #lines: string[] = [];
  #heard: Message[] = [];
  #wake = Promise.withResolvers<void>();
  #sent = Promise.withResolvers<void>();
  #idle = Promise.withResolvers<void>();

  constructor(
    options: { kind?: Session["kind"]; subprotocol?: string; remote?: string; identity?: Session["identity"] } = {},
  ) {
    super();
    this.identity = options.identity;
    this.remote = parseEndpoint(options.remote ?? "127.0.0.1:1");
    this.kind = options.kind ?? "stream";
    this.subprotocol = options.subprotocol;
  }

  /** The peer's next messages. */
  say(...messages: readonly (string | Readonly<Record<string, unknown>>)[]): void {
    for (const message of messages) {
      const text = typeof message === "string" ? message : JSON.stringify(message);
      this.#heard.push({ data: new TextEncoder().encode(text), isText: true });
    }
    this.#idle = Promise.withResolvers();
    this.#wake.resolve();
  }

  /** What was sent to the peer since the last call. */
  take(): string[] {
    return this.#lines.splice(0);
  }

  /** Waits until something that matches was sent, and takes all up to it. */
  async sent(pattern: RegExp): Promise<string[]> {
    for (;;) {
      const index = this.#lines.findIndex((line) => pattern.test(line));
      if (index !== -1) return this.#lines.splice(0, index + 1);
      this.#sent = Promise.withResolvers();
      await this.#sent.promise;
    }
  }

  /** Settles once all messages of the peer are handled: the server waits for more, or has ended. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  override async receive({ timeout, signal }: WaitOptions = {}): Promise<readonly Message[] | null> {
    const wake = () => this.#wake.resolve();
    signal?.addEventListener("abort", wake);
    const timedOut = Promise.withResolvers<never>();
    const timer = timeout === undefined ? undefined : setTimeout(() => {
      timedOut.reject(new TimeoutError("reply", `no message came within ${timeout} ms`));
    }, parseDuration(timeout));
    try {
      while (this.#heard.length === 0) {
        this.#idle.resolve();
        if (this.closeReason !== undefined) return null;
        signal?.throwIfAborted();
        this.#wake = Promise.withResolvers();
        await Promise.race([this.#wake.promise, timedOut.promise]);
      }
      return this.#heard.splice(0);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
    }
  }

  send(data: Uint8Array | string): boolean {
    if (this.closeReason !== undefined || this.isFull) return false;
    this.#lines.push(typeof data === "string" ? data : new TextDecoder().decode(data));
    this.#sent.resolve();
    return true;
  }

  sendFramed(bytes: Uint8Array): boolean {
    if (this.isFull) return false;
    this.framed.push(bytes);
    for (const line of new TextDecoder().decode(bytes).trimEnd().split("\n")) this.send(line);
    return true;
  }

  write(data: Uint8Array | string): Promise<void> {
    this.send(data);
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  closeWrite(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(reason: CloseReason): void {
    this.closeReason ??= reason;
    this.#idle.resolve();
    this.#closed.resolve(this.closeReason);
    this.#wake.resolve();
  }

  reset(): boolean {
    this.close("reset");
    return true;
  }

  drain(): void {
    this.close("drain");
  }

  override finish(reason: CloseReason = "done"): Promise<void> {
    return Promise.resolve(this.close(reason));
  }
}
