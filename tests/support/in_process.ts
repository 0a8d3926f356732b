/**
 * The functions of `program.ts` for tests whose subject is not the process: the
 * program runs in the test's own, which costs a tenth.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Output, ProgramIo } from "../../src/cli/io.ts";
import { runProgram as runInProcess } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { FakeStopSignals } from "./fake_io.ts";
import { LineReader, type Outcome, type ProgramName, RunningProgram, type StartOptions } from "./program.ts";

/** Options of a program that is to lack permissions, to receive any signal, or to have log lines of its own. */
export const OWN_PROCESS: StartOptions = { permissions: ["-N"] };

const PROGRAMS = { server: serverProgram, client: clientProgram, udp: udpProgram };

export type { Outcome, StartOptions };

/** A program that runs, in a process of its own or not. */
export type Program = Omit<RunningProgram, "pid" | "stdin">;

/** A server that runs, and its first endpoint. */
export type Started = { server: Program; endpoint: string } & AsyncDisposable;

/** Log lines go to the program that wrote them, although the last one to configure logging receives all. */
const current = new AsyncLocalStorage<ProgramInProcess>();

class ProgramInProcess implements Program {
  readonly #stdout = new LineReader();
  readonly #stderr = new LineReader();
  readonly #stop = new FakeStopSignals((code) => {
    throw new Error(`exit ${code}`);
  });
  readonly #input: Uint8Array[] = [];
  #isInputEnded = false;
  #inputChanged = Promise.withResolvers<void>();
  readonly #code: Promise<number>;

  constructor(name: ProgramName, args: readonly string[]) {
    this.#code = current.run(this, () => runInProcess(PROGRAMS[name], args, this.#io())).finally(() => {
      this.#stdout.end();
      this.#stderr.end();
    });
  }

  async line(): Promise<string> {
    const line = await this.#stdout.next();
    if (line !== undefined) return line;
    throw new Error(`the program ended with code ${await this.#code} and no further line:\n${this.#stderr.text}`);
  }

  async errorLine(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.#stderr.next();
      if (line === undefined) throw new Error(`no line matched ${pattern}; it wrote:\n${this.#stderr.text}`);
      if (pattern.test(line)) return line;
    }
  }

  type(text: string | Uint8Array): Promise<void> {
    this.#input.push(typeof text === "string" ? new TextEncoder().encode(text) : text);
    this.#inputChanged.resolve();
    return Promise.resolve();
  }

  endInput(): Promise<void> {
    this.#isInputEnded = true;
    this.#inputChanged.resolve();
    return Promise.resolve();
  }

  /** Only signals that stop: for others the test needs a process. */
  kill(signal: Deno.Signal): void {
    if (signal !== "SIGINT" && signal !== "SIGTERM") throw new TypeError(`${signal} needs a process`);
    this.#stop.send(signal);
  }

  exitCode(): Promise<number> {
    return this.#code;
  }

  async outcome(): Promise<Outcome> {
    await this.endInput();
    const code = await this.#code;
    return { code, stdout: this.#stdout.text, stdoutBytes: this.#stdout.bytes, stderr: this.#stderr.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGTERM");
    await this.outcome();
  }

  #io(): ProgramIo {
    return {
      stdin: { read: (bytes) => this.#read(bytes), setRaw() {}, isTerminal: false },
      stdout: outputOf((chunk) => this.#stdout.push(chunk)),
      stderr: outputOf((chunk) => (current.getStore() ?? this).#stderr.push(chunk)),
      mayColor: false,
      stop: this.#stop,
    };
  }

  async #read(bytes: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#input.shift();
      if (chunk !== undefined) {
        const part = chunk.subarray(0, bytes.length);
        bytes.set(part);
        if (part.length < chunk.length) this.#input.unshift(chunk.subarray(part.length));
        return part.length;
      }
      if (this.#isInputEnded) return null;
      this.#inputChanged = Promise.withResolvers();
      await this.#inputChanged.promise;
    }
  }
}

function outputOf(push: (chunk: Uint8Array) => void): Output {
  const write = (data: string | Uint8Array) =>
    push(typeof data === "string" ? new TextEncoder().encode(data) : data.slice());
  return {
    write,
    writeAsync: (data) => Promise.resolve(write(data)),
    isTerminal: false,
    columns: 80,
  };
}

/** Starts a program; with options it needs a process of its own. */
export function startProgram(name: ProgramName, args: readonly string[], options?: StartOptions): Program {
  return options === undefined ? new ProgramInProcess(name, args) : new RunningProgram(name, args, options);
}

/** Runs a program to its end, with `input` on its standard input. */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  { input, ...options }: StartOptions & { input?: string | Uint8Array } = {},
): Promise<Outcome> {
  await using program = startProgram(name, args, Object.keys(options).length === 0 ? undefined : options);
  // A program that ends without reading its input closes the pipe: that is its business.
  if (input !== undefined) await program.type(input).catch(() => {});
  return await program.outcome();
}

/** Starts `parley-server` on free ports and waits until it is ready; also its first endpoint. */
export function startServer(args: readonly string[], options?: StartOptions): Promise<Started> {
  return startReady("server", args, options);
}

/** Starts `parley-udp serve` with `args` and waits until it is ready; also its first endpoint. */
export function startUdpServer(args: readonly string[], options?: StartOptions): Promise<Started> {
  return startReady("udp", ["serve", ...args], options);
}

async function startReady(name: ProgramName, args: readonly string[], options?: StartOptions): Promise<Started> {
  const server = startProgram(name, [...args, "--print-endpoint"], options);
  try {
    const endpoint = await server.line();
    return { server, endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
