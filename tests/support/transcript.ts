/**
 * The terminal sessions of the README and the manual, run as they stand there.
 *
 * @module
 */

import { fromFileUrl } from "./paths.ts";
import { closedPort } from "./ports.ts";

/** One command of a transcript, and what it printed. */
export interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** A `console` block of a page. */
export interface Transcript {
  /** Its location, for messages. */
  readonly at: string;
  readonly steps: readonly Step[];
}

/** How long a command, or the first lines of a server, may take. */
const TIMEOUT_MS = 30_000;

/** Every `console` block of a page; a session that cannot be run is a block of another kind. */
export function transcriptsOf(name: string, markdown: string): Transcript[] {
  const lines = markdown.split("\n");
  const found: Transcript[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== "```console") continue;
    const last = lines.indexOf("```", at);
    found.push({ at: `${name}:${at + 1}`, steps: stepsOf(lines.slice(at + 1, last)) });
    at = last;
  }
  return found;
}

/** The files that a page shows: blocks that begin with a comment that is a file's name. */
export function filesOf(markdown: string): Map<string, string> {
  const blocks = markdown.matchAll(/^```(?!console)\w+\n# ([\w.-]+)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = "", text = ""]) => [name, text]));
}

function stepsOf(lines: readonly string[]): Step[] {
  const steps: { command: string; output: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), output: [] });
    else steps.at(-1)?.output.push(line);
  }
  // An empty line between two commands is for people.
  return steps.map(({ command, output }) => ({ command, output: output.at(-1) === "" ? output.slice(0, -1) : output }));
}

/**
 * Whether what came is what stands there. Numbers may be others, but not exit
 * codes, and so may the gaps of columns; a line `...` stands for any lines.
 */
export function outputMatches(expected: readonly string[], text: string): boolean {
  const pattern = expected.map((line) => line === "..." ? "(?:.*\n)*?" : `${linePattern(line)}\n`).join("");
  return new RegExp(`^${pattern}$`).test(text === "" || text.endsWith("\n") ? text : `${text}\n`);
}

function linePattern(line: string): string {
  if (/^exit \d+$/.test(line)) return line;
  return line
    .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/\d+(?:\\\.\d+)*/g, "\\d+(?:\\.\\d+)*")
    .replaceAll(/(\+\)\*)(?:ms|s|us)\b/g, "$1(?:ms|s|us)")
    .replaceAll(/ {2,}/g, " +");
}

/** Where transcripts are run: a folder with the sources, and commands named as in the manual. */
export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly #ports: Map<string, string>;

  private constructor(folder: string, ports: ReadonlyMap<string, string>) {
    this.folder = folder;
    this.#ports = new Map(ports);
  }

  /** Creates one; `ports` maps the page's ports to actual ones, others are free ones. */
  static async create(ports: ReadonlyMap<string, string> = new Map()): Promise<Stage> {
    const folder = await Deno.makeTempDir();
    await Deno.mkdir(`${folder}/bin`);
    for (const name of ["src", "deno.json", "deno.lock"]) {
      await Deno.symlink(fromFileUrl(`../../${name}`), `${folder}/${name}`);
    }
    const shim = async (name: string, words: string) =>
      await Deno.writeTextFile(`${folder}/bin/${name}`, `#!/bin/sh\nexec '${Deno.execPath()}' ${words} "$@"\n`, {
        mode: 0o755,
      });
    await shim("deno", "");
    for (const name of ["server", "client", "udp"]) {
      const permissions = "--allow-net --allow-read --allow-write --allow-env --allow-run --unstable-net";
      await shim(`parley-${name}`, `run --quiet --no-prompt ${permissions} '${fromFileUrl(`../../src/${name}.ts`)}'`);
    }
    return new Stage(folder, ports);
  }

  /** Runs the commands in turn; throws if the output of one differs from the page. */
  async run({ at, steps }: Transcript): Promise<void> {
    await using stack = new AsyncDisposableStack();
    for (const { command, output } of steps) {
      const isServer = command.endsWith(" &");
      const running = stack.use(new Shell(this.#withPorts(isServer ? command.slice(0, -2) : command), this.folder));
      const matches = () => outputMatches(output, running.text);
      const isRight = isServer ? await running.until(matches) : (await running.ended(), matches());
      if (isRight) continue;
      throw new Error(
        `${at}: $ ${command}\nshould print\n${output.join("\n")}\nand printed\n${running.text}`,
      );
    }
  }

  #withPorts(command: string): string {
    return command.replaceAll(/(?<=:|127\.0\.0\.1 )\d{4,5}\b/g, (port) => {
      const real = this.#ports.get(port) ?? String(closedPort());
      this.#ports.set(port, real);
      return real;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A command of a shell, both of its outputs in one text. */
class Shell implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #timer: ReturnType<typeof setTimeout>;
  #changed = Promise.withResolvers<void>();
  #isEnded = false;
  text = "";

  constructor(command: string, folder: string) {
    // A server is the shell's own process, so that it is what is ended; a sequence is run by the shell.
    this.#child = new Deno.Command("sh", {
      args: ["-c", `exec 2>&1; ${/[;|]/.test(command) ? command : `exec ${command}`}`],
      env: { PATH: `${folder}/bin:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
      cwd: folder,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#timer = setTimeout(() => this.#child.kill("SIGKILL"), TIMEOUT_MS);
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.text += decoder.decode(chunk, { stream: true }).replaceAll("\r\n", "\n");
      this.#ring();
    }
    this.#isEnded = true;
    this.#ring();
  }

  #ring(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until the condition holds; `false` where it does not by the end. */
  async until(holds: () => boolean): Promise<boolean> {
    while (!holds()) {
      if (this.#isEnded) return false;
      await this.#changed.promise;
    }
    return true;
  }

  async ended(): Promise<void> {
    await this.#reading;
    await this.#child.status;
    clearTimeout(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }
}
