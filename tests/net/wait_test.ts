import { assertEquals, assertRejects } from "@std/assert";
import { Backoff, bind, dial, listen, resolve, TimeoutError } from "@parley/parley";
import { connect } from "../../src/factory.ts";
import { abortable, delay, MAX_TIMER_MS, onAbort, pause, startTimer, timeoutSignal } from "../../src/net/wait.ts";
import { FakeTime } from "../support/fake_time.ts";

const late = () => new Error("late");

Deno.test("abortable() returns the result of the work", async () => {
  assertEquals(
    await abortable(Promise.resolve(7), { timeout: 60_000, signal: new AbortController().signal }, late),
    7,
  );
  await assertRejects(() => abortable(Promise.reject(new Error("own")), { timeout: 60_000 }, late), Error, "own");
});

Deno.test("abortable() ends at its time or its signal, and ignores a later failure of the work", async () => {
  const work = Promise.withResolvers<never>();
  await assertRejects(() => abortable(work.promise, { timeout: 1 }, late), Error, "late");
  const stop = new AbortController();
  const waiting = abortable(work.promise, { signal: stop.signal }, late);
  stop.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  await assertRejects(() => abortable(work.promise, { signal: stop.signal }, late), Error, "enough");
  work.reject(new Error("unheard"));
  await delay(0);
});

Deno.test("delay() ends early with the signal's reason", async () => {
  const stop = new AbortController();
  const waiting = delay(60_000, stop.signal);
  stop.abort("no error");
  const error = await assertRejects(() => waiting, DOMException, "no error");
  assertEquals(error.name, "AbortError");
  await assertRejects(() => delay(60_000, AbortSignal.abort(new Error("before"))), Error, "before");
});

Deno.test("pause() ends early with the signal, without an error", async () => {
  const stop = new AbortController();
  const waiting = pause(60_000, stop.signal);
  stop.abort(new Error("enough"));
  await waiting;
  await pause(60_000, AbortSignal.abort());
});

Deno.test("onAbort() calls once, at once for an aborted signal, and not after its disposal", () => {
  const calls: string[] = [];
  const stop = new AbortController();
  using _kept = onAbort(stop.signal, () => calls.push("kept"));
  onAbort(stop.signal, () => calls.push("disposed"))[Symbol.dispose]();
  assertEquals(calls, []);
  stop.abort();
  onAbort(stop.signal, () => calls.push("late"));
  onAbort(undefined, () => calls.push("no signal"));
  assertEquals(calls, ["kept", "late"]);
});

Deno.test("timeoutSignal() aborts with its error after its time, and not after its disposal", async () => {
  using time = new FakeTime();
  using kept = timeoutSignal(50, late);
  const disposed = timeoutSignal(50, late);
  disposed[Symbol.dispose]();
  await time.advance(49);
  assertEquals(kept.signal.aborted, false);
  await time.advance(1);
  assertEquals([kept.signal.reason.message, disposed.signal.aborted], ["late", false]);
});

Deno.test("every wait may be longer than a timer of the runtime (MAX_TIMER_MS), and ends at its time", async () => {
  using time = new FakeTime();
  const ended: string[] = [];
  const waits: Record<string, (ms: number) => Promise<unknown>> = {
    delay: (ms) => delay(ms),
    abortable: (ms) => abortable(new Promise(() => {}), { timeout: ms }, late).catch(() => {}),
    signal: (ms) => new Promise<void>((resolve) => onAbort(timeoutSignal(ms, late).signal, resolve)),
    timer: (ms) => new Promise<void>((resolve) => startTimer(ms, resolve)),
  };
  for (const [name, wait] of Object.entries(waits)) void wait(2 * MAX_TIMER_MS + 1).then(() => ended.push(name));
  await time.advance(2 * MAX_TIMER_MS);
  assertEquals(ended, []);
  await time.advance(1);
  assertEquals(ended.sort(), Object.keys(waits).sort());
  const disposed = startTimer(2 * MAX_TIMER_MS, () => ended.push("disposed"));
  await time.advance(MAX_TIMER_MS + 1);
  disposed[Symbol.dispose]();
  assertEquals([time.timerCount, ended.includes("disposed")], [0, false]);
});

Deno.test("every public time takes a text with a unit, and rejects one without", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  await using session = await dial(listener.endpoint);
  await using socket = await bind("udp://127.0.0.1:0");
  await assertRejects(() => session.receive({ timeout: "1ms" }), TimeoutError);
  await assertRejects(() => socket.receive({ timeout: "1ms" }), TimeoutError);
  await assertRejects(() => socket.receive({ timeout: "1" }), SyntaxError, "with a unit");
  await assertRejects(() => resolve("localhost", { timeout: "soon" }), SyntaxError, "with a unit");
  assertEquals(new Backoff({ first: "2s", max: "3s" }).next(), 2_000);
  await session.finish("done", { timeout: "1ms" });
});

Deno.test("connect() accepts a connectTimeout that is longer than a timer of the runtime (MAX_TIMER_MS)", async () => {
  using time = new FakeTime();
  const dialer = {
    async dial(_to: unknown, { signal }: { signal?: AbortSignal | undefined }): Promise<never> {
      await delay(1_000, signal);
      throw new Error("dialed");
    },
  };
  const connecting = assertRejects(
    () => connect("tcp://127.0.0.1:1", { connectTimeout: "30d", dialer }),
    Error,
    "dialed",
  );
  await time.advance(1_000);
  await connecting;
});
