/**
 * Starts the measured programs: the server on one core, the load on another, if the machine has two and `taskset`.
 *
 * @module
 */

import { findFreePort } from "../../src/net/find_free_port.ts";
import { delay } from "../../src/net/wait.ts";
import type { Contender, Tools } from "./contenders.ts";
import type { Prepared } from "./prepare.ts";
import { type Load, socketPath } from "./work.ts";

const MAX_START_MS = 20_000;

/** Runs a program and returns its output; throws if it fails. */
export async function run(words: readonly string[], options: Deno.CommandOptions = {}): Promise<string> {
  const [program = "", ...args] = words;
  const { code, stdout, stderr } = await new Deno.Command(program, { ...options, args, stdin: "null" }).output();
  const text = new TextDecoder();
  if (code !== 0) {
    throw new Error(`${words.slice(0, 3).join(" ")} ended with ${code}: ${text.decode(stderr) || text.decode(stdout)}`);
  }
  return text.decode(stdout);
}

/** Whether a program can be found. */
export async function hasProgram(name: string): Promise<boolean> {
  try {
    await run(["sh", "-c", `command -v ${name}`]);
    return true;
  } catch {
    return false;
  }
}

/** The command line pinned to a core, if possible. */
export function pinned(words: readonly string[], core: number, canPin: boolean): readonly string[] {
  return canPin ? ["taskset", "-c", String(core), ...words] : words;
}

/** Processor time since a program started. */
interface CpuTime {
  readonly us: number;
  /** In its own code; ticks are coarse, so only the ratio is useful. */
  readonly userTicks: number;
  readonly kernelTicks: number;
}

/** CPU time between two samples, and the kernel's part of it. */
export function cpuBetween(before: CpuTime, after: CpuTime): { us: number; kernelPart: number } {
  const kernelTicks = after.kernelTicks - before.kernelTicks;
  const ticks = kernelTicks + after.userTicks - before.userTicks;
  return { us: after.us - before.us, kernelPart: ticks === 0 ? 0 : kernelTicks / ticks };
}

/** A contender that serves. */
export class RunningContender implements AsyncDisposable {
  readonly contender: Contender;
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(contender: Contender, port: number, child: Deno.ChildProcess) {
    this.contender = contender;
    this.port = port;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The CPU time of all its threads, if the system reports it. */
  async cpu(): Promise<CpuTime | undefined> {
    if (this.contender.hasChildren) return undefined;
    const folder = `/proc/${this.pid}/task`;
    let us = 0;
    try {
      for await (const { name } of Deno.readDir(folder)) {
        us += Number((await Deno.readTextFile(`${folder}/${name}/schedstat`)).split(" ")[0]) / 1_000;
      }
      // Fields 14 and 15 of proc_pid_stat(5), which follow the program's name.
      const fields = (await Deno.readTextFile(`/proc/${this.pid}/stat`)).split(") ")[1]?.split(" ") ?? [];
      return { us, userTicks: Number(fields[11]), kernelTicks: Number(fields[12]) };
    } catch {
      return undefined;
    }
  }

  /** Starts it and waits until it accepts connections. */
  static async start(
    contender: Contender,
    tools: Tools,
    options: { canPin: boolean; answers: Load["answers"] },
  ): Promise<RunningContender> {
    const port = findFreePort();
    const [program = "", ...args] = pinned(contender.command(port, tools), 0, options.canPin);
    const child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      env: contender.env?.(tools) ?? {},
    }).spawn();
    const running = new RunningContender(contender, port, child);
    try {
      if (options.answers === "udp") await answersUdp(port);
      else if (options.answers === "tcp") await accepts({ hostname: "127.0.0.1", port });
      else await accepts({ transport: "unix", path: socketPath(port, tools) });
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw new Error(`${contender.name} does not serve: ${error}`);
    }
  }

  /** Stops it gracefully. */
  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
  }
}

async function accepts(address: Deno.ConnectOptions | Deno.UnixConnectOptions): Promise<void> {
  const endMs = performance.now() + MAX_START_MS;
  while (performance.now() < endMs) {
    try {
      // Neither overload takes both kinds.
      const conn = "path" in address ? await Deno.connect(address) : await Deno.connect(address);
      conn.close();
      return;
    } catch {
      // Short, because it limits the precision of the start time.
      await delay(2);
    }
  }
  throw new Error(`no connection within ${MAX_START_MS / 1_000} s`);
}

async function answersUdp(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let isAnswered = false;
  const answered = socket.receive().then(() => void (isAnswered = true), () => {/* closed below, unanswered */});
  for (let tries = 0; tries < 250 && !isAnswered; tries++) {
    await socket.send(Uint8Array.of(1), { transport: "udp", hostname: "127.0.0.1", port });
    await Promise.race([answered, delay(40)]);
  }
  socket.close();
  await answered;
  if (!isAnswered) throw new Error("no answer within 10 s");
}

/** An echo of one byte. */
export async function echoOnce(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(Uint8Array.of(1));
  if (await conn.read(new Uint8Array(1)) !== 1) throw new Error("no echo");
}

/** `idle_hold`, which holds connections to a server and can request echoes on them. */
export class Holder implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Its source addresses are 127.0.0.`source` and following, with 10,000 connections each. */
  static start(port: number, source: number, { tools, canPin }: Pick<Prepared, "tools" | "canPin">): Holder {
    const [program = "", ...args] = pinned([tools.built("idle_hold"), String(port), String(source)], 1, canPin);
    const options = { args, stdin: "piped", stdout: "piped", stderr: "null" } as const;
    return new Holder(new Deno.Command(program, options).spawn());
  }

  /** Opens connections until there are `count`. */
  async open(count: number): Promise<void> {
    await this.#ask(`open ${count}`, count);
  }

  /** Median time of an echo, in microseconds, on `count` random connections. */
  async sample(count: number): Promise<number> {
    return Number(/p50=([\d.]+)us/.exec(await this.#ask(`sample ${count}`, count))?.[1]);
  }

  /** An echo on every connection. */
  async echo(count: number): Promise<void> {
    await this.#ask("echo", count);
  }

  async #ask(command: string, count: number): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`${command}\n`));
    let printed = "";
    while (!printed.endsWith("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`idle_hold ended at "${command}"`);
      printed += value;
    }
    if (Number.parseInt(printed) !== count) throw new Error(`"${command}" ended with: ${printed.trim()}`);
    return printed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await Promise.allSettled([this.#input.abort(), this.#output.cancel()]);
    await this.#child.status;
  }
}

/** Holds idle connections; each has received one echo. */
export async function hold(port: number, count: number, prepared: Prepared): Promise<AsyncDisposable> {
  await using owner = new AsyncDisposableStack();
  const holder = owner.use(Holder.start(port, 2, prepared));
  await holder.open(count);
  await holder.echo(count);
  return owner.move();
}

/** Resident memory of a process, in KiB. */
export async function residentKib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN);
}
