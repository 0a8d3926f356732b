import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { pause } from "../../net/wait.ts";
import { endedText, ProcessGroup } from "../../process/process_group.ts";
import type { Message, Session } from "../../session/session.ts";
import type { Service } from "../../server/service.ts";
import type { ProgramOptions } from "./client_program.ts";
import { ErrorOutputLog, formatFor, OutputReader, type ProgramFormat, toInput } from "./program_io.ts";

/** A running program with its clients. */
interface Running {
  readonly group: ProcessGroup;
  readonly format: ProgramFormat;
  readonly sessions: Set<Session>;
  /** When a message was last sent, to all clients, on the clock of `performance.now()`. */
  readonly lastSentMs: () => number;
  /** Settles with the exit status once all output is sent. */
  readonly done: Promise<string>;
}

/**
 * One program for all clients: it reads the messages of all, and each message that it writes goes to all. The first
 * client starts it; when it ends, its clients are disconnected, and the next client starts it again.
 */
export class SharedProgram implements Service {
  readonly #options: ProgramOptions;
  readonly #log: Logger;
  readonly #drained = new AbortController();
  #running: Running | undefined;

  constructor(options: ProgramOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  async serve(session: Session): Promise<void> {
    const running = this.#running ??= this.#start(session);
    running.sessions.add(session);
    session.note = `pid ${running.group.pid}`;
    const end = new AbortController();
    const input = this.#passInput(session, running, end.signal);
    // Not awaited: it may be waiting for a program that does not read.
    input.catch((error: unknown) => session.log.debug("the client's input failed", { error: messageOf(error) }));
    try {
      const status = await Promise.race([running.done, session.closed.then(() => undefined), failureOf(input)]);
      if (status !== undefined) session.note = status;
    } finally {
      end.abort();
      running.sessions.delete(session);
    }
  }

  /** A client that has half-closed does not notice the drain and may be gone: it would delay the server's end. */
  drain(): void {
    this.#drained.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running === undefined) return;
    const { group, done } = this.#running;
    group.endInput();
    await group.hasEndedWithin(this.#options.killAfterMs);
    await group.stop(this.#options.killAfterMs);
    await done;
  }

  #start(session: Session): Running {
    const format = formatFor(session, this.#options.codec, this.#options.isBinary);
    const output = new OutputReader(format, this.#log);
    const errors = new ErrorOutputLog(this.#log);
    const sessions = new Set<Session>();
    let lastSentMs = 0;
    const broadcast = (messages: Iterable<Message>) => {
      for (const { data, isText } of messages) {
        lastSentMs = performance.now();
        for (const each of sessions) sendOrClose(each, data, isText);
      }
    };
    const group = new ProcessGroup(this.#options.words, {
      hasInput: true,
      onOutput: (bytes) => broadcast(output.push(bytes)),
      onErrorOutput: (bytes) => errors.push(bytes),
    });
    this.#log.info("program started", { pid: group.pid });
    const allSent = group.outputEnded.then(() => broadcast(output.end()));
    const violation = failureOf(allSent).catch((error: unknown) =>
      this.#log.error("the program's output violates the framing", { error: messageOf(error) })
    );
    const done = (async () => {
      await Promise.race([group.ended, violation]);
      await group.stop(this.#options.killAfterMs);
      const ended = await group.ended;
      await allSent.catch(() => {});
      errors.end();
      this.#running = undefined;
      const status = endedText(ended);
      this.#log[ended.code === 0 ? "info" : "warning"]("program ended", { pid: group.pid, status });
      return status;
    })();
    return { group, format, sessions, lastSentMs: () => lastSentMs, done };
  }

  async #passInput(session: Session, { group, format, lastSentMs }: Running, signal: AbortSignal): Promise<void> {
    try {
      for (let batch = await session.receive({ signal }); batch; batch = await session.receive({ signal })) {
        await group.write(toInput(batch, format));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    // The close frame of a WebSocket ends both directions; a client that has half-closed a stream still receives.
    if (session.kind === "stream") await this.#silence(lastSentMs, signal);
    if (signal.aborted) return;
    await session.finish(
      session.kind === "websocket" ? undefined : this.#drained.signal.aborted ? "drain" : "idle timeout",
    );
  }

  /** Waits until nothing was sent for the finish timeout: a client that has half-closed may be gone. */
  async #silence(lastSentMs: () => number, signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#drained.signal]);
    const startMs = performance.now();
    const leftMs = () => Math.max(startMs, lastSentMs()) + this.#options.finishTimeoutMs - performance.now();
    for (let ms = leftMs(); ms > 0 && !ended.aborted; ms = leftMs()) await pause(ms, ended);
  }
}

/** Disconnects a slow consumer, so that it does not delay the other clients. */
function sendOrClose(session: Session, data: Uint8Array, isText: boolean): void {
  if (!session.send(data, isText) && session.isWritable) session.close("slow consumer");
}

async function failureOf(work: Promise<void>): Promise<never> {
  await work;
  return await new Promise<never>(() => {});
}
