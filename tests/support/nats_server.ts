import { closedPort } from "./ports.ts";
import { findTool } from "./tools.ts";

/** A nats-server of our own with JetStream, on a free port of the loopback interface. */
export class NatsServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #flags: readonly string[];
  #port = 0;
  #child: Deno.ChildProcess | undefined;
  /** What it wrote before it ended. */
  #log: string | undefined;

  private constructor(folder: string, flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
  }

  /** Starts one and waits until it answers. */
  static async start(flags: readonly string[] = ["-js"]): Promise<NatsServer> {
    const server = new NatsServer(await Deno.makeTempDir(), flags);
    await server.restart();
    return server;
  }

  /** Starts one with JetStream and further lines of configuration. */
  static async startWith(config: string): Promise<NatsServer> {
    const folder = await Deno.makeTempDir();
    const server = new NatsServer(folder, ["-js", "-c", `${folder}.conf`]);
    await server.configure(config);
    await server.restart();
    return server;
  }

  /** Gives it other lines of configuration, from its next start on. */
  async configure(config: string): Promise<void> {
    await Deno.writeTextFile(`${this.#folder}.conf`, config);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Bytes of all its files. */
  async diskBytes(folder = this.#folder): Promise<number> {
    let sum = 0;
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      sum += isDirectory ? await this.diskBytes(path) : (await Deno.stat(path)).size;
    }
    return sum;
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    try {
      child?.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child?.status;
  }

  /** Takes away all that it has stored; it must not be running. */
  async clear(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
    await Deno.mkdir(this.#folder);
  }

  /** Copies what it has stored; it must not be running. `restore` brings that back, as a power failure does. */
  async save(): Promise<{ restore(): Promise<void> } & AsyncDisposable> {
    const copy = await Deno.makeTempDir();
    await copyFolder(this.#folder, copy);
    return {
      restore: async () => {
        await this.clear();
        await copyFolder(copy, this.#folder);
      },
      [Symbol.asyncDispose]: () => Deno.remove(copy, { recursive: true }),
    };
  }

  /** Starts it again, on the same port and with the same files. */
  async restart(): Promise<void> {
    const path = findTool("nats-server");
    if (path === undefined) throw new Error("nats-server is not installed");
    const isNew = this.#port === 0;
    for (let tries = 0; tries < 5; tries++) {
      if (isNew) this.#port = closedPort();
      const args = ["-a", "127.0.0.1", "-p", String(this.#port), "-sd", this.#folder, ...this.#flags];
      this.#child = new Deno.Command(path, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
      this.#log = await untilReady(this.#child);
      if (this.#log === undefined) return;
      // Someone else took the port meanwhile.
      await this.kill();
    }
    throw new Error(`nats-server did not start: ${this.#log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
    if (this.#flags.includes("-c")) await Deno.remove(`${this.#folder}.conf`);
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (!isDirectory) {
      await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
      continue;
    }
    await Deno.mkdir(`${to}/${name}`);
    await copyFolder(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Reads what it logs to the end, so that it never waits for us; where it ends before it is ready, that is the result. */
async function untilReady(child: Deno.ChildProcess): Promise<string | undefined> {
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("Server is ready")) {
    const { value, done } = await lines.read();
    if (done) return text;
    text += value;
  }
  void (async () => {
    while (!(await lines.read()).done);
  })();
  return undefined;
}
