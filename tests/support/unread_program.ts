import { withinTime } from "./give_back.ts";
import { commandOf, LineReader, type ProgramName } from "./program.ts";

/** Bytes that a pipe holds on Linux. */
const PIPE_BYTES = 64 * 1024;

/** A program whose standard output is a full pipe, so that its first byte waits until the test reads. */
export class UnreadProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stderr = new LineReader();
  readonly #reading: Promise<void>;
  #hasRead = false;

  constructor(name: ProgramName, args: readonly string[]) {
    this.#child = new Deno.Command("sh", {
      args: [
        "-c",
        `head -c ${PIPE_BYTES} /dev/zero; exec "$0" "$@"`,
        ...commandOf(name, { permissions: ["-A"] }),
        ...args,
      ],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#reading = this.#stderr.pump(this.#child.stderr);
  }

  /** The first group of the next line of standard error that matches. */
  async errorLine(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.#stderr.next();
      if (line === undefined) throw new Error(`no line matched ${pattern}; it wrote:\n${this.#stderr.text}`);
      const found = pattern.exec(line);
      if (found) return found[1] ?? line;
    }
  }

  /** Writes to its standard input. */
  async type(text: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(text));
  }

  /** Ends its standard input. */
  async endInput(): Promise<void> {
    await this.#stdin.close();
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The exit code, once it has ended. */
  async exitCode(): Promise<number> {
    return (await withinTime(this.#child.status, `the end after:\n${this.#stderr.text}`)).code;
  }

  /** Closes the pipe. */
  async closeOutput(): Promise<void> {
    this.#hasRead = true;
    await this.#child.stdout.cancel();
  }

  /** Reads its output to the end. */
  async read(): Promise<string> {
    this.#hasRead = true;
    return (await new Response(this.#child.stdout).text()).slice(PIPE_BYTES);
  }

  /** Ends it with SIGKILL if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#stdin.close().catch(() => {});
    if (!this.#hasRead) await this.#child.stdout.cancel();
    await this.#reading;
  }
}
