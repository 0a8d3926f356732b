import { FrameError, messageOf } from "../../base/errors.ts";
import type { Codec } from "../../framing/mod.ts";
import { type Ended, endedText, ProcessGroup } from "../../process/process_group.ts";
import type { Message, Session } from "../../session/session.ts";
import { programEnvironment } from "./environment.ts";
import { ErrorOutputLog, formatFor, OutputReader, type ProgramFormat, toInput } from "./program_io.ts";

/** Options of {@linkcode ClientProgram}. */
export interface ProgramOptions {
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly codec: Codec | undefined;
  /** Whether WebSocket messages carry raw bytes instead of lines. */
  readonly isBinary: boolean;
  /** Maximum run time of a program. */
  readonly timeoutMs: number | undefined;
  /** Maximum time without output after the client has half-closed. */
  readonly finishTimeoutMs: number;
  /** Time for a program to end after its client has disconnected, and again from SIGTERM to SIGKILL. */
  readonly killAfterMs: number;
}

/** One client and its program, which end together. */
export class ClientProgram {
  readonly #session: Session;
  readonly #options: ProgramOptions;
  readonly #format: ProgramFormat;
  readonly #output: OutputReader;
  readonly #errors: ErrorOutputLog;
  readonly #group: ProcessGroup;
  readonly #inputEnd = new AbortController();
  readonly #clientGone = Promise.withResolvers<"client gone">();
  readonly #finishLate = Promise.withResolvers<"finish timeout">();
  #finishTimer: ReturnType<typeof setInterval> | undefined;

  /** Starts the program. */
  constructor(session: Session, options: ProgramOptions) {
    this.#session = session;
    this.#options = options;
    this.#format = formatFor(session, options.codec, options.isBinary);
    this.#output = new OutputReader(this.#format, session.log);
    this.#errors = new ErrorOutputLog(session.log);
    this.#group = new ProcessGroup(options.words, {
      env: programEnvironment(session),
      hasInput: true,
      onOutput: (bytes) => this.#send(this.#output.push(bytes)),
      onErrorOutput: (bytes) => this.#errors.push(bytes),
    });
  }

  /**
   * Relays between the two until both have ended.
   *
   * @throws {FrameError} A message of the client cannot be passed on.
   */
  async run(): Promise<void> {
    const { log } = this.#session;
    const { pid } = this.#group;
    this.#session.note = `pid ${pid}`;
    log.debug("program started", { pid });
    void this.#session.closed.then(() => this.#clientGone.resolve("client gone"));
    const input = this.#passInput();
    let failure: unknown;
    input.catch((error: unknown) => {
      failure = error;
      this.#clientGone.resolve("client gone");
    });
    const cause = await this.#firstEnd();
    clearInterval(this.#finishTimer);
    this.#inputEnd.abort();
    // Processes that the program left behind may take longer; the client does not wait for them.
    const stopping = this.#stop(cause);
    const ended = await this.#group.ended;
    const status = endedText(ended);
    this.#session.note = status;
    log[ended.code === 0 || cause === "client gone" ? "info" : "warning"]("program ended", { pid, status });
    if (!(failure instanceof FrameError)) await this.#finish(cause, ended);
    await stopping;
    if (failure instanceof FrameError) throw failure;
  }

  /** Waits for the first event that ends both. */
  async #firstEnd(): Promise<"program ended" | "client gone" | "timeout" | "finish timeout"> {
    const { timeoutMs } = this.#options;
    const timeout = Promise.withResolvers<"timeout">();
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => timeout.resolve("timeout"), timeoutMs);
    try {
      return await Promise.race([
        this.#allOutput(),
        this.#clientGone.promise,
        this.#finishLate.promise,
        timeout.promise,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the program has ended and all its output is sent. */
  async #allOutput(): Promise<"program ended" | "client gone"> {
    try {
      await this.#group.ended;
      await this.#group.outputSettled();
      await this.#send(this.#output.end());
      this.#errors.end();
      return "program ended";
    } catch (error) {
      this.#session.log.debug("sending failed", { error: messageOf(error) });
      return "client gone";
    }
  }

  async #stop(cause: "program ended" | "client gone" | "timeout" | "finish timeout"): Promise<void> {
    const { killAfterMs } = this.#options;
    if (cause === "client gone") {
      this.#group.endInput();
      await this.#group.closeOutput();
      await this.#group.hasEndedWithin(killAfterMs);
    } else if (cause !== "program ended") this.#session.log.warning("stopping the program", { reason: cause });
    await this.#group.stop(killAfterMs);
  }

  async #finish(cause: string, { code }: Ended): Promise<void> {
    if (cause === "timeout" || cause === "finish timeout") return await this.#session.finish("lifetime");
    // A WebSocket client receives 1011 if the program failed; a stream cannot show the difference.
    await this.#session.finish(cause === "program ended" && code !== 0 ? "error" : undefined);
  }

  /** Passes the client's input to the program until its end. */
  async #passInput(): Promise<void> {
    const { signal } = this.#inputEnd;
    try {
      for (let batch = await this.#receive(signal); batch; batch = await this.#receive(signal)) {
        // The program no longer reads, but may still write; reading continues, to notice the end of the client.
        await this.#group.write(toInput(batch, this.#format));
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (signal.aborted) return;
    this.#group.endInput();
    if (this.#session.kind === "websocket") {
      // The close frame of a WebSocket ends both directions.
      await this.#session.finish();
      return this.#clientGone.resolve("client gone");
    }
    // If the program has ended meanwhile, nothing would clear the timer.
    if (!signal.aborted) this.#watchFinish();
  }

  #receive(signal: AbortSignal): Promise<readonly Message[] | null> {
    return this.#session.receive({ signal });
  }

  #watchFinish(): void {
    const { finishTimeoutMs } = this.#options;
    const startMs = performance.now();
    this.#finishTimer = setInterval(() => {
      const quietMs = performance.now() - Math.max(startMs, this.#group.lastOutputMs);
      if (!this.#group.hasEnded && quietMs >= finishTimeoutMs) this.#finishLate.resolve("finish timeout");
    }, Math.max(10, finishTimeoutMs / 10));
  }

  /** Sends messages; a slow client applies backpressure to the program. */
  async #send(messages: Iterable<Message>): Promise<void> {
    try {
      for (const { data, isText } of messages) {
        if (this.#format.codec.name === "raw") await this.#session.write(data, isText);
        else if (!this.#session.send(data, isText)) await this.#session.write(data, isText);
      }
      await this.#session.flush();
    } catch (error) {
      if (error instanceof FrameError) {
        this.#session.log.error("the program's output violates the framing", { error: error.message });
      }
      this.#clientGone.resolve("client gone");
      throw error;
    }
  }
}
