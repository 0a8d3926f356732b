import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { print, PrintQueue, UnreadOutputError } from "../../src/cli/print.ts";
import { FakeIo } from "../support/fake_io.ts";
import { FakeTime } from "../support/fake_time.ts";

/** Standard output whose reader takes nothing until the test says so. */
class SlowIo extends FakeIo {
  readonly #pending: (() => void)[] = [];

  constructor() {
    super();
    const { writeAsync } = this.stdout;
    this.stdout.writeAsync = async (data) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#pending.push(resolve);
      await promise;
      await writeAsync(data);
    };
  }

  /** Reads what one write has written. */
  async read(): Promise<void> {
    this.#pending.shift()?.();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

Deno.test("print() waits for the reader, and after a signal for LAST_OUTPUT_MS, one second, more", async () => {
  using time = new FakeTime();
  const io = new SlowIo();
  let failure: unknown;
  const printing = print(io, "x").catch((error) => void (failure = error));
  await time.advance(3_600_000);
  io.stop.send("SIGTERM");
  await time.advance(999);
  assertEquals(failure, undefined);
  await time.advance(1);
  await printing;
  assertEquals([failure instanceof UnreadOutputError, (failure as UnreadOutputError).exitCode], [true, 143]);
  assertEquals(time.timerCount, 0);
});

Deno.test("print() after a signal has one second of its own, and leaves no timer once it is read", async () => {
  using time = new FakeTime();
  const io = new SlowIo();
  io.stop.send("SIGINT");
  await time.advance(10_000);
  const printing = print(io, "late");
  await time.advance(999);
  await io.read();
  await printing;
  assertEquals([io.out, time.timerCount], ["late", 0]);
});

Deno.test("print() fails with the error of the stream", async () => {
  const io = new FakeIo();
  io.outFailure = new Deno.errors.BrokenPipe("Broken pipe");
  await assertRejects(() => print(io, "x"), Deno.errors.BrokenPipe);
});

Deno.test("print() and a queue write synchronously to a terminal, in order with standard error", () => {
  const io = new FakeIo();
  const terminal = { stop: io.stop, stdout: { ...io.stdout, isTerminal: true } };
  const queue = new PrintQueue(terminal);
  queue.print("a");
  void print(terminal, "b");
  queue.print("c");
  assertEquals(io.out, "abc");
});

Deno.test("PrintQueue prints in order, what came meanwhile in one write, and ends when all is read", async () => {
  const io = new SlowIo();
  const queue = new PrintQueue(io);
  for (const text of ["a", "b", "c"]) queue.print(text);
  let hasEnded = false;
  const ended = queue.end().then(() => hasEnded = true);
  await io.read();
  assertEquals([io.out, hasEnded], ["a", false]);
  await io.read();
  await ended;
  assertEquals(io.out, "abc");
  queue.print("d");
  await io.read();
  await queue.end();
  assertEquals(io.out, "abcd");
});

Deno.test("PrintQueue holds its source back beyond MAX_WAITING_BYTES, 64 KiB, until they are read, and again", async () => {
  const io = new SlowIo();
  const queue = new PrintQueue(io);
  for (let round = 0; round < 2; round++) {
    queue.print("being written");
    queue.print(new Uint8Array(64 * 1024));
    assertEquals(queue.held, undefined);
    queue.print("x");
    const { held } = queue;
    let isHeld = true;
    void held?.then(() => isHeld = false);
    await io.read();
    assertEquals([held === undefined, isHeld], [false, true]);
    await io.read();
    assertEquals([isHeld, queue.held], [false, undefined]);
  }
});

Deno.test("PrintQueue fails with the first error, releases its source and prints nothing more", async () => {
  const io = new SlowIo();
  const queue = new PrintQueue(io);
  queue.print("x");
  queue.print(new Uint8Array(100_000));
  const { held } = queue;
  const failure = io.outFailure = new Deno.errors.BrokenPipe("Broken pipe");
  await io.read();
  await held;
  assertStrictEquals(queue.failed.reason, failure);
  queue.print(new Uint8Array(100_000));
  assertEquals([io.out, queue.held], ["", undefined]);
  await assertRejects(() => queue.end(), Deno.errors.BrokenPipe);
});

Deno.test("PrintQueue ends without an error one second after a signal if nothing is read", async () => {
  using time = new FakeTime();
  const io = new SlowIo();
  const queue = new PrintQueue(io);
  queue.print("x");
  queue.print(new Uint8Array(100_000));
  const { held } = queue;
  io.stop.send("SIGTERM");
  let hasEnded = false;
  const ended = queue.end().then(() => hasEnded = true);
  await time.advance(999);
  assertEquals(hasEnded, false);
  await time.advance(1);
  await Promise.all([ended, held]);
  assertEquals(queue.failed.aborted, true);
});
