import { assertEquals, assertRejects } from "@std/assert";
import { abortable, delay } from "../../src/net/wait.ts";

const late = () => new Error("late");

Deno.test("abortable() gives what the work gives", async () => {
  assertEquals(
    await abortable(Promise.resolve(7), { timeoutMs: 60_000, signal: new AbortController().signal }, late),
    7,
  );
  await assertRejects(() => abortable(Promise.reject(new Error("own")), { timeoutMs: 60_000 }, late), Error, "own");
});

Deno.test("abortable() ends at its time or its signal, and a late failure of the work is nobody's", async () => {
  const work = Promise.withResolvers<never>();
  await assertRejects(() => abortable(work.promise, { timeoutMs: 1 }, late), Error, "late");
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
