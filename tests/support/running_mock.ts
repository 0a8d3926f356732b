import { runProgram } from "../../src/cli/run_program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { FakeIo } from "./fake_io.ts";

/** How a mock ended, and what it wrote. */
interface MockOutcome {
  readonly code: number;
  /** The report, without the endpoints before it. */
  readonly out: string;
  readonly err: string;
}

/** `parley-server mock`, running in the test's own process. */
export class RunningMock implements AsyncDisposable {
  readonly io = new FakeIo();
  readonly endpoints: readonly string[];
  readonly #running: Promise<number>;
  readonly #file: string;
  #isOver = false;

  private constructor(io: FakeIo, endpoints: readonly string[], running: Promise<number>, file: string) {
    this.io = io;
    this.endpoints = endpoints;
    this.#running = running;
    this.#file = file;
  }

  /** Starts one with the script, at `:0` unless the arguments name endpoints. */
  static async start(script: string, args: readonly string[] = []): Promise<RunningMock> {
    const isRecording = script.startsWith('{"recording"');
    const file = await Deno.makeTempFile({ suffix: isRecording ? ".jsonl" : ".yaml" });
    await Deno.writeTextFile(file, script);
    const io = new FakeIo();
    const hasEndpoint = args.some((arg) => /^(?:\w+:|:\d)/.test(arg));
    const words = ["mock", file, ...(hasEndpoint ? [] : [":0"]), "--print-endpoint", "--log-level", "off", ...args];
    const running = runProgram(serverProgram, words, io);
    const printed = await Promise.race([
      io.printed(/^(?:TAP version 13\n)?((?:\w+\S*:\S+\n)+)/),
      running.then(() => undefined),
    ]);
    if (printed === undefined) {
      await Deno.remove(file);
      throw new Error(`the mock ended at once:\n${io.err}`);
    }
    return new RunningMock(io, printed.trim().split("\n"), running, file);
  }

  get endpoint(): string {
    return this.endpoints[0] ?? "";
  }

  get port(): number {
    return Number(/:(\d+)/.exec(this.endpoint)?.[1]);
  }

  /** Waits until it ends by itself, as with `--exit-after`. */
  async ended(): Promise<MockOutcome> {
    const code = await this.#running;
    this.#isOver = true;
    const isOwn = (line: string) => !this.endpoints.includes(line);
    return { code, out: this.io.out.split("\n").filter(isOwn).join("\n"), err: this.io.err };
  }

  /** Sends it SIGTERM. */
  async stop(): Promise<MockOutcome> {
    this.io.stop.send("SIGTERM");
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.stop();
    await Deno.remove(this.#file);
  }
}
