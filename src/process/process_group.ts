import { concat } from "../base/bytes.ts";
import { abortable, delay } from "../net/wait.ts";
import { spawn } from "./spawn.ts";

const hasGroups = Deno.build.os !== "windows";
/** How often a stopping group is looked at. */
const POLL_MS = 20;
/** For the rest of the output, once the group has ended. */
const PIPE_MS = 500;

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** `exit status 3`, or `ended by SIGTERM`. */
export function endedText({ code, signal }: Ended): string {
  return signal === null ? `exit status ${code}` : `ended by ${signal}`;
}

/** How a group is started. */
export interface ProcessGroupOptions {
  /** Variables of the environment, besides our own. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Whether there is something to write to its standard input.
   *
   * @default {false}
   */
  readonly hasInput?: boolean;
  /** Receives standard output as it comes; the command is held back until it settles. */
  readonly onOutput: (bytes: Uint8Array) => void | Promise<void>;
  /** The same for standard error. */
  readonly onErrorOutput: (bytes: Uint8Array) => void | Promise<void>;
}

/**
 * A command in a process group of its own, so that everything that it starts
 * ends with it. A process that leaves the group (setsid(2)) escapes.
 */
export class ProcessGroup {
  /** Number of the process, and of its group. */
  readonly pid: number;
  /** Settles when the command itself has ended. */
  readonly ended: Promise<Ended>;
  /** Settles when both outputs have ended; rejects with what a receiver threw. */
  readonly outputEnded: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** Signals to a group need the permission to run anything; with less, only the command itself is signalled. */
  readonly #signalsGroup = hasGroups && Deno.permissions.querySync({ name: "run" }).state === "granted";
  #isInputEnded = false;
  #hasEnded = false;

  /**
   * Starts it.
   *
   * @throws {UsageError} There is no such command, or it cannot be executed.
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
    // A command may end without reading what it was sent.
    this.#input?.closed.catch(() => {});
    const output = [this.#read(this.#child.stdout, onOutput), this.#read(this.#child.stderr, onErrorOutput)];
    this.outputEnded = Promise.all(output).then(() => {});
    this.outputEnded.catch(() => {});
    this.ended = this.#child.status.finally(() => this.#hasEnded = true);
  }

  /** Writes to its standard input; `false` if it reads no more. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#input === undefined || this.#isInputEnded) return false;
    try {
      await this.#input.write(bytes);
      return true;
    } catch {
      // A broken pipe: the command has closed its standard input, or ended.
      this.#isInputEnded = true;
      return false;
    }
  }

  /** Ends its standard input. */
  async endInput(): Promise<void> {
    if (this.#input === undefined || this.#isInputEnded) return;
    this.#isInputEnded = true;
    // A broken pipe: it has ended first.
    await this.#input.close().catch(() => {});
  }

  /** Reads no more of its output: the command sees a broken pipe where it writes more. */
  async closeOutput(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.cancel()));
  }

  /** Waits until the command has ended, or for the time: whether it has. */
  hasEndedWithin(timeoutMs: number): Promise<boolean> {
    return isSettledWithin(this.ended, timeoutMs);
  }

  /** The same for {@linkcode outputEnded}. */
  hasOutputEndedWithin(timeoutMs: number): Promise<boolean> {
    return isSettledWithin(this.outputEnded, timeoutMs);
  }

  /** Ends the whole group: SIGTERM, and SIGKILL for what is left after the time, or once `hurry` is aborted. */
  async stop(timeoutMs: number, hurry?: AbortSignal): Promise<void> {
    this.#signal("SIGTERM");
    const endMs = performance.now() + timeoutMs;
    while (this.#isAlive() && performance.now() < endMs && !hurry?.aborted) await delay(POLL_MS);
    this.#signal("SIGKILL");
    // Broken where the command has left it unread.
    await this.#input?.abort().catch(() => {});
    await this.ended;
    // A process that has left the group may hold the pipes open for ever.
    const output = this.outputEnded.catch(() => {
      // A receiver failed, which knows it.
    });
    if (!await isSettledWithin(output, PIPE_MS)) await this.closeOutput();
  }

  #signal(signal: Deno.Signal): void {
    try {
      if (this.#signalsGroup) Deno.kill(-this.pid, signal);
      else this.#child.kill(signal);
    } catch (error) {
      // The group is empty.
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  /** Whether any process of the group runs: signal 0 is not sent, only checked (kill(2)). */
  #isAlive(): boolean {
    if (!this.#signalsGroup) return !this.#hasEnded;
    try {
      Deno.kill(-this.pid, 0);
      return true;
    } catch {
      // No such group any more.
      return false;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, onBytes: (bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    const reader = stream.getReader();
    this.#readers.push(reader);
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
      await onBytes(next.value);
    }
  }
}

/** The end of a command's output, which explains how it ended. */
export class OutputTail {
  readonly #maxBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);

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
