import { concat, NO_BYTES } from "../base/bytes.ts";
import { Deadline } from "../net/deadline.ts";
import { abortable, delay } from "../net/wait.ts";
import { sendSignal, spawn } from "./spawn.ts";

const hasGroups = Deno.build.os !== "windows";
/** How often a stopping group is checked. */
const POLL_MS = 20;
/** Maximum time to read the rest of the output after the group has ended. */
const PIPE_MS = 500;
/** Time without output after which a process that an ended command left behind is no longer waited for. */
const QUIET_MS = 200;

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** `exit status 3`, or `ended by SIGTERM`. */
export function endedText({ code, signal }: Ended): string {
  return signal === null ? `exit status ${code}` : `ended by ${signal}`;
}

/** Options of {@linkcode ProcessGroup.start}. */
interface ProcessGroupOptions {
  /** Environment variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Whether standard input is a pipe.
   *
   * @default {false}
   */
  readonly hasInput?: boolean;
  /** Receives standard output; its promise applies backpressure to the command. */
  readonly onOutput: (bytes: Uint8Array) => void | Promise<void>;
  /** The same for standard error. */
  readonly onErrorOutput: (bytes: Uint8Array) => void | Promise<void>;
}

/**
 * A command in its own process group, so that its child processes end with it. A process that leaves the group
 * (setsid(2)) escapes.
 */
export class ProcessGroup {
  /** Process ID, which is also the ID of the group. */
  readonly pid: number;
  /** Settles when the command itself has ended. */
  readonly ended: Promise<Ended>;
  /** Settles when both outputs have ended; rejects with the error of a receiver. */
  readonly outputEnded: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** Signals to a group need the permission to run anything; with less, only the command itself is signalled. */
  readonly #signalsGroup = hasGroups && Deno.permissions.querySync({ name: "run" }).state === "granted";
  #isInputEnded = false;
  #hasEnded = false;
  /** `undefined` while the receiver takes output. */
  #lastOutputMs: number | undefined = 0;

  /**
   * Starts the command.
   *
   * @throws {UsageError} The command does not exist or cannot be executed.
   */
  constructor(words: readonly string[], options: ProcessGroupOptions) {
    const { env = {}, hasInput = false, onOutput, onErrorOutput } = options;
    this.#child = spawn(words, {
      env: { ...env },
      stdin: hasInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
      detached: hasGroups,
    });
    this.pid = this.#child.pid;
    this.#input = hasInput ? this.#child.stdin.getWriter() : undefined;
    // A command may end without reading its input.
    this.#input?.closed.catch(() => {});
    const receive = async (bytes: Uint8Array) => {
      this.#lastOutputMs = undefined;
      await onOutput(bytes);
      this.#lastOutputMs = performance.now();
    };
    const output = [this.#read(this.#child.stdout, receive), this.#read(this.#child.stderr, onErrorOutput)];
    this.outputEnded = Promise.all(output).then(() => {});
    this.outputEnded.catch(() => {});
    this.ended = this.#child.status.finally(() => this.#hasEnded = true);
  }

  /** Whether the command itself has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** When standard output was last received, on the clock of `performance.now()`; now while the receiver takes it. */
  get lastOutputMs(): number {
    return this.#lastOutputMs ?? performance.now();
  }

  /** Writes to its standard input; `false` if it no longer reads. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#input === undefined || this.#isInputEnded) return false;
    try {
      await this.#input.write(bytes);
      return true;
    } catch {
      // EPIPE: the command has closed its standard input, or ended.
      this.#isInputEnded = true;
      return false;
    }
  }

  /** Closes its standard input after the last write. Does not wait, since the command may never read it. */
  endInput(): void {
    if (this.#input === undefined || this.#isInputEnded) return;
    this.#isInputEnded = true;
    // EPIPE: the command has ended first.
    this.#input.close().catch(() => {});
  }

  /** Stops reading its output: further writes of the command fail with EPIPE. */
  async closeOutput(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.cancel()));
  }

  /** Waits for the command to end; returns whether it did within the time. */
  hasEndedWithin(timeoutMs: number): Promise<boolean> {
    return isSettledWithin(this.ended, timeoutMs);
  }

  /** The same for {@linkcode outputEnded}. */
  hasOutputEndedWithin(timeoutMs: number): Promise<boolean> {
    return isSettledWithin(this.outputEnded, timeoutMs);
  }

  /**
   * Waits for {@linkcode outputEnded}. Once the command has ended, waits only while there is output: a process that it
   * left behind may keep the pipes open.
   */
  async outputSettled(): Promise<void> {
    await Promise.race([this.outputEnded, this.ended]);
    let lastMs: number | undefined;
    while (!await this.hasOutputEndedWithin(QUIET_MS) && this.lastOutputMs !== lastMs) lastMs = this.lastOutputMs;
  }

  /** Ends the group: SIGTERM, then SIGKILL for processes that remain after the time, or once `hurry` aborts. */
  async stop(timeoutMs: number, hurry?: AbortSignal): Promise<void> {
    this.#signal("SIGTERM");
    this.resume();
    const deadline = new Deadline(timeoutMs);
    while (this.#isAlive() && deadline.remainingMs > 0 && !hurry?.aborted) await delay(POLL_MS);
    // One that it may not signal ends with its input and output.
    if (!this.#signal("SIGKILL")) await this.closeOutput();
    // Fails if the command has not read its input.
    const input = this.#input?.abort().catch(() => {});
    await this.ended;
    const output = this.outputEnded.catch(() => {
      // A receiver failed, and has handled its own error.
    });
    // A process that has left the group may keep the pipes open.
    if (!await isSettledWithin(Promise.all([input, output]), PIPE_MS)) await this.closeOutput();
  }

  /** Lets processes continue that are stopped. */
  resume(): void {
    if (hasGroups) this.#signal("SIGCONT");
  }

  #signal(signal: Deno.Signal): boolean {
    return sendSignal(() => this.#signalsGroup ? Deno.kill(-this.pid, signal) : this.#child.kill(signal));
  }

  /** Whether any process of the group runs; signal 0 only checks for existence (kill(2)). */
  #isAlive(): boolean {
    if (!this.#signalsGroup) return !this.#hasEnded;
    try {
      Deno.kill(-this.pid, 0);
      return true;
    } catch (error) {
      return error instanceof Deno.errors.PermissionDenied;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, onBytes: (bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    const reader = stream.getReader();
    this.#readers.push(reader);
    try {
      for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
        await onBytes(next.value);
      }
    } catch (error) {
      await reader.cancel();
      throw error;
    }
  }
}

/** The last part of a command's output, which often explains its exit status. */
export class OutputTail {
  readonly #maxBytes: number;
  #bytes: Uint8Array = NO_BYTES;

  /** Keeps the last `maxBytes`. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    this.#bytes = concat([this.#bytes, bytes]).slice(-this.#maxBytes);
  }

  get text(): string {
    return new TextDecoder().decode(this.#bytes);
  }
}

async function isSettledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const isLate = new Error("not yet");
  try {
    await abortable(work, { timeout: timeoutMs }, () => isLate);
    return true;
  } catch (error) {
    if (error !== isLate) throw error;
    return false;
  }
}
