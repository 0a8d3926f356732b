import { withinTime } from "./give_back.ts";
import { fromFileUrl } from "./paths.ts";

/** The three programs. */
export type ProgramName = "server" | "client" | "udp";

/** Whether `deno task mutate` wants to know what the programs execute. */
const IS_MEASURED = Deno.env.has("DENO_COVERAGE_DIR");

/** How a program ended, and all that it wrote. */
export interface Outcome {
  code: number;
  stdout: string;
  /** Standard output as it is, for what is no text. */
  stdoutBytes: Uint8Array;
  stderr: string;
}

/** Options of {@linkcode startProgram}. */
export interface StartOptions {
  /** Permission flags; by default `-N`, as in the README. */
  permissions?: readonly string[];
  /** Environment variables besides the test's own. */
  env?: Record<string, string>;
  cwd?: string;
  /** A command that is given the program's as its arguments, such as `sh -c '...; exec "$0" "$@"'`. */
  wrapper?: readonly string[];
  /** A compiled program to run in place of the sources; it has its permissions already. */
  executable?: string;
}

/**
 * A running program of ours, from the sources, ended when it is disposed of.
 *
 * `await using server = startProgram("server", ["echo", ":0", "--print-endpoint"]);`
 */
export class RunningProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout = new LineReader();
  readonly #stderr = new LineReader();
  readonly #reading: Promise<unknown>;
  readonly stdin: WritableStreamDefaultWriter<Uint8Array>;
  #isInputClosed = false;
  /** Whether the test ends it, or waits for its end. */
  #mayEnd = false;

  constructor(name: ProgramName, args: readonly string[], options: StartOptions = {}) {
    const [command = "", ...before] = [...(options.wrapper ?? []), ...commandOf(name, options)];
    this.#child = new Deno.Command(command, {
      args: [...before, ...args],
      env: { NO_COLOR: "1", ...options.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    this.stdin = this.#child.stdin.getWriter();
    this.#reading = Promise.all([this.#stdout.pump(this.#child.stdout), this.#stderr.pump(this.#child.stderr)]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line of standard output; it throws, with what was written to standard error, when there is none. */
  async line(): Promise<string> {
    const line = await this.#stdout.next();
    if (line !== undefined) return line;
    const { code, stderr } = await this.outcome();
    throw new Error(`the program ended with code ${code} before a further line; it wrote:\n${stderr}`);
  }

  /** The next line of standard error that matches. */
  async errorLine(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.#stderr.next();
      if (line === undefined) throw new Error(`no line matched ${pattern}; it wrote:\n${this.#stderr.text}`);
      if (pattern.test(line)) return line;
    }
  }

  /** Writes to its standard input. */
  async type(text: string | Uint8Array): Promise<void> {
    await this.stdin.write(typeof text === "string" ? new TextEncoder().encode(text) : text);
  }

  /** Ends its standard input. */
  async endInput(): Promise<void> {
    if (this.#isInputClosed) return;
    this.#isInputClosed = true;
    // The program may have ended first, and its pipe with it.
    await this.stdin.close().catch(() => {});
  }

  kill(signal: Deno.Signal): void {
    this.#mayEnd = true;
    this.#child.kill(signal);
  }

  /** Waits until it has ended, its standard input left open. */
  async exitCode(): Promise<number> {
    this.#mayEnd = true;
    return (await this.#child.status).code;
  }

  /** Ends its standard input and waits until it has ended. */
  async outcome(): Promise<Outcome> {
    this.#mayEnd = true;
    await this.endInput();
    const [{ code }] = await Promise.all([this.#child.status, this.#reading]);
    return { code, stdout: this.#stdout.text, stdoutBytes: this.#stdout.bytes, stderr: this.#stderr.text };
  }

  /** Ends it with SIGKILL if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    // What a process has executed is written at its orderly end only.
    const timer = IS_MEASURED ? setTimeout(() => this.#kill("SIGKILL"), 3_000) : undefined;
    const mayEnd = this.#kill(IS_MEASURED ? "SIGTERM" : "SIGKILL") || this.#mayEnd;
    const { code, stderr } = await this.outcome();
    clearTimeout(timer);
    // Without this a test reports only what it has missed.
    if (!mayEnd && code !== 0) console.error(`The program ended by itself with code ${code}; it wrote:\n${stderr}`);
  }

  /** `false` if it has ended already. */
  #kill(signal: Deno.Signal): boolean {
    try {
      this.#child.kill(signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** The command line of a program from the sources, or of a compiled one. */
export function commandOf(name: ProgramName, { executable, permissions = ["-N"] }: StartOptions): string[] {
  if (executable !== undefined) return [executable];
  const program = fromFileUrl(`../../src/${name}.ts`);
  return [Deno.execPath(), "run", "--no-prompt", "--unstable-net", ...permissions, program];
}

/** Starts a program from the sources. */
export function startProgram(name: ProgramName, args: readonly string[], options?: StartOptions): RunningProgram {
  return new RunningProgram(name, args, options);
}

/** Runs a program to its end, with `input` on its standard input. */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  options: StartOptions & { input?: string | Uint8Array } = {},
): Promise<Outcome> {
  await using program = startProgram(name, args, options);
  // A program that ends without reading its input closes the pipe: that is its business.
  if (options.input !== undefined) await program.type(options.input).catch(() => {});
  return await program.outcome();
}

/** Starts `parley-server` on free ports and waits until it is ready; also its endpoints. */
export async function startServer(
  args: readonly string[],
  options?: StartOptions,
): Promise<{ server: RunningProgram; endpoint: string } & AsyncDisposable> {
  return await startReady("server", [...args, "--print-endpoint"], options);
}

/** Starts `parley-udp serve` with `args` and waits until it is ready; also its first endpoint. */
export async function startUdpServer(
  args: readonly string[],
  options?: StartOptions,
): Promise<{ server: RunningProgram; endpoint: string } & AsyncDisposable> {
  return await startReady("udp", ["serve", ...args, "--print-endpoint"], options);
}

async function startReady(
  name: ProgramName,
  args: readonly string[],
  options?: StartOptions,
): Promise<{ server: RunningProgram; endpoint: string } & AsyncDisposable> {
  const server = startProgram(name, args, options);
  try {
    const endpoint = await server.line();
    return { server, endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Remembers what a program writes, and gives it line by line. */
export class LineReader {
  readonly #lines: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  readonly #decoder = new TextDecoder();
  #partial = "";
  #wake = Promise.withResolvers<void>();
  #isEnded = false;
  text = "";

  get bytes(): Uint8Array {
    const whole = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  /** The next line; fails instead of hanging if there is none. */
  async next(): Promise<string | undefined> {
    if (this.#lines.length === 0) await withinTime(this.#filled(), `a line after ${JSON.stringify(this.text)}`, 60_000);
    return this.#lines.shift();
  }

  async #filled(): Promise<void> {
    while (this.#lines.length === 0 && !this.#isEnded) await this.#wake.promise;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    const piece = this.#decoder.decode(chunk, { stream: true });
    this.text += piece;
    const lines = (this.#partial + piece).split("\n");
    this.#partial = lines.pop() ?? "";
    this.#lines.push(...lines);
    this.#ring();
  }

  end(): void {
    if (this.#partial !== "") this.#lines.push(this.#partial);
    this.#isEnded = true;
    this.#ring();
  }

  async pump(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) this.push(chunk);
    this.end();
  }

  #ring(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
