import { concat } from "../base/bytes.ts";
import { abortable, delay } from "../net/wait.ts";
import { spawn } from "./child_process.ts";

/** Of a command's output this much is kept: its last words explain how it ended. */
const MAX_KEPT_BYTES = 64 * 1024;

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

/**
 * A command in a process group of its own, so that everything that it starts
 * ends with it. A process that leaves the group (setsid(2)) escapes.
 */
export class ProcessGroup {
  /** The words that started it. */
  readonly words: readonly string[];
  /** Settles when the command itself has ended. */
  readonly ended: Promise<Ended>;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** @param onOutput Called with what the command writes, as it comes; without it the last 64 KiB are kept. */
  constructor(words: readonly string[], onOutput?: (bytes: Uint8Array) => void) {
    this.words = words;
    this.#child = spawn(words, { stdin: "null", stdout: "piped", stderr: "piped", detached: hasGroups });
    this.#output = Promise.all([this.#read(this.#child.stdout, onOutput), this.#read(this.#child.stderr, onOutput)]);
    this.ended = this.#child.status;
  }

  /** The last of its output. */
  get output(): string {
    return new TextDecoder().decode(this.#kept);
  }

  /** Ends the whole group: SIGTERM, and SIGKILL for what is left after the time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#signal("SIGTERM");
    const endMs = performance.now() + timeoutMs;
    while (this.#isAlive() && performance.now() < endMs) await delay(POLL_MS);
    this.#signal("SIGKILL");
    await this.ended;
    // A process that has left the group may hold the pipes open for ever.
    const isHeld = new Error("the pipes are still open");
    try {
      await abortable(this.#output, { timeoutMs: PIPE_MS }, () => isHeld);
    } catch (error) {
      if (error !== isHeld) throw error;
      await Promise.all(this.#readers.map((reader) => reader.cancel()));
    }
  }

  #signal(signal: Deno.Signal): void {
    try {
      if (hasGroups) Deno.kill(-this.#child.pid, signal);
      else this.#child.kill(signal);
    } catch (error) {
      // The group is empty.
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  /** Whether any process of the group runs: signal 0 is not sent, only checked (kill(2)). */
  #isAlive(): boolean {
    if (!hasGroups) return false;
    try {
      Deno.kill(-this.#child.pid, 0);
      return true;
    } catch {
      // No such group any more.
      return false;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, onOutput?: (bytes: Uint8Array) => void): Promise<void> {
    const reader = stream.getReader();
    this.#readers.push(reader);
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
      if (onOutput !== undefined) onOutput(next.value);
      else this.#kept = concat([this.#kept, next.value]).slice(-MAX_KEPT_BYTES);
    }
  }
}
