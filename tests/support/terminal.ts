import { fromFileUrl } from "./paths.ts";
import type { ProgramName } from "./program.ts";
import { findTool } from "./tools.ts";

/** Written at the end if the terminal has been left in another mode. */
const CHANGED = "[the mode has changed]";

/**
 * Runs its arguments on a terminal of 80 columns, joined to its own standard input and output. It passes signals on.
 */
const ON_A_TERMINAL = `
import fcntl, os, pty, select, signal, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
before = termios.tcgetattr(master)
for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(each, lambda number, _: os.kill(pid, number))
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
inputs = [master, 0]
while True:
    ready = select.select(inputs, [], [])[0]
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed: os.write(master, typed)
        else: inputs.remove(0)
    if master in ready:
        try: shown = os.read(master, 4096)
        except OSError: break
        if not shown: break
        os.write(1, shown)
if termios.tcgetattr(master) != before: os.write(1, b"${CHANGED}")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** A program that writes nothing for so long will not write. */
const TIMEOUT_MS = 20_000;

/** A program of ours on a terminal. */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #isEnded = false;
  #seen = 0;
  /** All that was written to the terminal, escapes included. */
  text = "";

  /** A shell has the path of the runtime in `$DENO` and that of the sources in `$SRC`. */
  constructor(name: ProgramName | "bash", args: readonly string[]) {
    const python = findTool("python3");
    if (python === undefined) throw new Error("not installed: python3");
    const program = name === "bash"
      ? [name]
      : [Deno.execPath(), "run", "--no-prompt", "-N", fromFileUrl(`../../src/${name}.ts`)];
    this.#child = new Deno.Command(python, {
      args: ["-c", ON_A_TERMINAL, ...program, ...args],
      env: { TERM: "xterm", NO_COLOR: "1", DENO: Deno.execPath(), SRC: fromFileUrl("../../src") },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Types what the keys send. */
  async type(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Waits until the text has been written, after what the last call waited for. */
  async until(text: string): Promise<void> {
    for (;;) {
      const at = this.text.indexOf(text, this.#seen);
      if (at !== -1) {
        this.#seen = at + text.length;
        return;
      }
      const isLate = !this.#isEnded && !await this.#change();
      if (this.#isEnded || isLate) throw new Error(`never written: ${text}; there is:\n${JSON.stringify(this.text)}`);
    }
  }

  /** Sends a signal to the program. */
  kill(signal: "SIGHUP" | "SIGINT" | "SIGQUIT" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Whether the terminal is in the mode that it was in before the program, once that has ended. */
  get isRestored(): boolean {
    return this.#isEnded && !this.text.endsWith(CHANGED);
  }

  /** Waits until the program has ended. */
  async exitCode(): Promise<number> {
    const [{ code }] = await Promise.all([this.#child.status, this.#reading]);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    // The pipe has ended with the program.
    await this.#writer.close().catch(() => {});
    await this.exitCode();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      // Whether line ends get a CR of the terminal's own depends on its mode.
      this.text = (this.text + decoder.decode(chunk, { stream: true })).replaceAll(/\r+\n/g, "\n");
      this.#ring();
    }
    this.#isEnded = true;
    this.#ring();
  }

  /** Waits until more is written: `false` when that takes too long. */
  async #change(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), TIMEOUT_MS);
    const outcome = await Promise.race([this.#changed.promise.then(() => true), late.promise]);
    clearTimeout(timer);
    return outcome;
  }

  #ring(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
