/**
 * Starting what is measured: one core for the server, another for the load,
 * where the machine has two and `taskset`.
 *
 * @module
 */

import type { Contender, Tools } from "./contenders.ts";

/** Runs a program and gives what it printed; it throws when it fails. */
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

/** The words with a core in front of them, where cores can be told apart. */
export function pinned(words: readonly string[], core: number, canPin: boolean): readonly string[] {
  return canPin ? ["taskset", "-c", String(core), ...words] : words;
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

  /** Starts it and waits until it answers. */
  static async start(
    contender: Contender,
    tools: Tools,
    options: { canPin: boolean; isUdp: boolean },
  ): Promise<RunningContender> {
    const port = freePort();
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
      await (options.isUdp ? answersUdp(port) : acceptsTcp(port));
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw new Error(`${contender.name} does not serve: ${error}`);
    }
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

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function acceptsTcp(port: number): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
  throw new Error("no connection within 10 s");
}

async function answersUdp(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let isAnswered = false;
  const answered = socket.receive().then(() => void (isAnswered = true), () => {/* closed below, unanswered */});
  for (let tries = 0; tries < 250 && !isAnswered; tries++) {
    await socket.send(Uint8Array.of(1), { transport: "udp", hostname: "127.0.0.1", port });
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 40))]);
  }
  socket.close();
  await answered;
  if (!isAnswered) throw new Error("no answer within 10 s");
}
