import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTime } from "../support/fake_time.ts";
import type { Output } from "../../src/cli/io.ts";
import { configureServerLogging } from "../../src/commands/server_logging.ts";
import { Logger } from "../../src/log/logger.ts";
import { FakeIo } from "../support/fake_io.ts";
import { dial, readTextToEnd, writeAll } from "../support/peer.ts";
import { commandOf } from "../support/program.ts";

const LOG = Logger.of("test");
const FLAGS = { logLevel: "info", logFormat: "text" } as const;

/** Standard error whose reader takes what is written when it is told to. */
class SlowOutput implements Output {
  readonly isTerminal = false;
  readonly columns = 80;
  taken = "";
  #reading = Promise.withResolvers<void>();

  write(): void {
    throw new Error("a server's log line must not wait");
  }

  async writeAsync(data: Uint8Array): Promise<void> {
    await this.#reading.promise;
    this.taken += new TextDecoder().decode(data);
  }

  read(): void {
    this.#reading.resolve();
  }

  stall(): void {
    this.#reading = Promise.withResolvers();
  }

  /** The texts of the log lines, and the other fields. */
  get lines(): string[] {
    return this.taken.trimEnd().split("\n").map((line) => line.replace(/^\S+ \w+ /, ""));
  }
}

function slowIo(stderr: SlowOutput): FakeIo {
  return Object.assign(new FakeIo(), { stderr });
}

Deno.test("a server's log lines wait for the reader of standard error, in order", async () => {
  const stderr = new SlowOutput();
  {
    await using _log = configureServerLogging(FLAGS, slowIo(stderr));
    for (const text of ["one", "two", "three"]) LOG.info(text);
    assertEquals(stderr.taken, "");
    stderr.read();
  }
  assertEquals(stderr.lines, ["[test] one", "[test] two", "[test] three"]);
});

Deno.test("a server keeps 1 MiB of log lines (MAX_WAITING), drops what exceeds it and reports how much, each time", async () => {
  const stderr = new SlowOutput();
  await using log = configureServerLogging(FLAGS, slowIo(stderr));
  const lineLength = 1_024;
  const text = "x".repeat(lineLength - "09:15:02.120 info [test] \n".length);
  for (const round of [1, 2]) {
    LOG.info("in the hands of the reader");
    for (let count = 0; count < 1_024; count++) LOG.info(text);
    LOG.info("one too many");
    LOG.info("and another");
    stderr.read();
    await log[Symbol.asyncDispose]();
    const lines = stderr.lines.slice((round - 1) * 1_026);
    assertEquals(lines.filter((line) => line === `[test] ${text}`).length, 1_024);
    assertEquals(lines.at(-1), "[log] lines dropped, because standard error was not read count=2");
    assertEquals(lines.length, 1_026);
    stderr.stall();
  }
});

Deno.test("a server that ends waits a second for the reader of its log lines, no longer (LAST_OUTPUT_MS)", async () => {
  using time = new FakeTime();
  const stderr = new SlowOutput();
  const log = configureServerLogging(FLAGS, slowIo(stderr));
  LOG.info("never read");
  let hasEnded = false;
  const ending = log[Symbol.asyncDispose]().then(() => hasEnded = true);
  await time.advance(999);
  assertEquals(hasEnded, false);
  await time.advance(1);
  assertEquals(hasEnded, true);
  await ending;
});

Deno.test("a server whose standard error is never read serves, and ends at SIGTERM", async () => {
  const [command = "", ...args] = commandOf("server", {});
  const server = new Deno.Command(command, {
    args: [...args, "echo", "tcp://127.0.0.1:0", "--print-endpoint", "--trace"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ready = await server.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
  // Traced in a hex dump, each takes several times its size: more than any pipe holds.
  const message = "x".repeat(16 * 1024);
  for (let client = 0; client < 40; client++) {
    using conn = await dial(ready.value?.trim() ?? "");
    await writeAll(conn, message);
    await conn.closeWrite();
    assertEquals(await readTextToEnd(conn), message);
  }
  server.kill("SIGTERM");
  const startMs = performance.now();
  const { code } = await server.status;
  assertEquals(code, 0);
  assert(performance.now() - startMs < 10_000);
  assertStringIncludes(await new Response(server.stderr).text(), "listening");
});
