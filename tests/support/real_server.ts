/**
 * Debian's servers, each started by the test on a free port of the loopback
 * interface, as an ordinary user where the test runs as root.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { findTool } from "./tools.ts";

/** How often to look whether a killed process is gone. */
const MAX_TURNS = 100;

/** A server that was started by the test. */
export class RealServer implements AsyncDisposable {
  readonly folder: string;
  #child: Deno.ChildProcess | undefined;
  #output: Promise<unknown> | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** A folder of its own for the server's files, writable for the ordinary user. */
  static async create(): Promise<RealServer> {
    const folder = await Deno.makeTempDir({ prefix: "parley-probe-" });
    await Deno.chmod(folder, 0o777);
    return new RealServer(folder);
  }

  /** Writes a file into the folder; the result is its path. */
  async file(name: string, text: string, mode = 0o644): Promise<string> {
    const path = `${this.folder}/${name}`;
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    return path;
  }

  /** Starts the server in the foreground. */
  start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    this.#child = command(program, args, env, this.folder).spawn();
    this.#output = this.#child.output();
  }

  /** Runs a helper of the server to its end. */
  async run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await command(program, args, env, this.folder).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (code !== 0) throw new Error(`${program} exited with ${code}: ${text}`);
    return text;
  }

  /** Ends it, with SIGKILL for a crash. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const timer = setTimeout(() => endGroup(child.pid, "SIGKILL"), 10_000);
    endGroup(child.pid, signal);
    await this.#output;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    const left = await this.#processesLeft();
    for (const { pid } of left) Deno.kill(pid, "SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
    if (left.length > 0) throw new Error(`still running after the server was ended: ${JSON.stringify(left)}`);
  }

  /** Processes with the server's home that are still there after a while, such as daemons in a group of their own. */
  async #processesLeft(): Promise<{ pid: number; command: string }[]> {
    for (let turn = 0;; turn++) {
      const left = [];
      for (const { name } of Deno.readDirSync("/proc")) {
        const pid = Number(name);
        if (!Number.isInteger(pid)) continue;
        try {
          const words = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0");
          if (!words.includes(`HOME=${this.folder}`)) continue;
          left.push({ pid, command: Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() });
        } catch {
          // It has ended, or is another user's.
        }
      }
      if (left.length === 0 || turn === MAX_TURNS) return left;
      await delay(20);
    }
  }
}

function command(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Deno.Command {
  const path = findTool(program) ?? findTool(`/usr/sbin/${program}`);
  if (path === undefined) throw new Error(`${program} is not installed`);
  const isRoot = Deno.uid() === 0;
  const words = isRoot ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", path] : [path];
  return new Deno.Command(words[0] ?? path, {
    args: [...words.slice(1), ...args],
    env: { HOME: cwd, ...env },
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A group of its own: some servers start others, which end with them.
    detached: true,
  });
}

function endGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
