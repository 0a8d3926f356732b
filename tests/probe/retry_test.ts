import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedError, TimeoutError } from "../../src/base/errors.ts";
import { abortable } from "../../src/net/wait.ts";
import { retryUntil } from "../../src/probe/retry.ts";
import { FakeTime } from "../support/fake_time.ts";

const NEVER = new AbortController().signal;
const OPTIONS = { timeoutMs: 1_000, signal: NEVER, backoff: { next: () => 1 }, isFinal: () => false };

Deno.test("retryUntil() tries once without a waiting time", async () => {
  const result = await retryUntil(() => Promise.reject(new RefusedError("no")), { ...OPTIONS, waitMs: undefined });
  assertEquals([result.ok, result.tries], [false, 1]);
});

Deno.test("retryUntil() returns the first value", async () => {
  let calls = 0;
  const attempt = () => ++calls < 3 ? Promise.reject(new RefusedError("no")) : Promise.resolve("up");
  const result = await retryUntil(attempt, { ...OPTIONS, waitMs: 60_000 });
  assertEquals([result.ok && result.value, result.tries], ["up", 3]);
});

Deno.test("retryUntil() ends at once when no further try can go better", async () => {
  const result = await retryUntil(() => Promise.reject(new SyntaxError("wrong")), {
    ...OPTIONS,
    waitMs: 60_000,
    isFinal: (error) => error instanceof SyntaxError,
  });
  assertEquals(result.tries, 1);
});

Deno.test("retryUntil() keeps the last whole failure when the last try was cut short", async () => {
  let calls = 0;
  const attempt = () =>
    Promise.reject(++calls === 1 ? new RefusedError("refused") : new TimeoutError("connect", "cut short"));
  const result = await retryUntil(attempt, { ...OPTIONS, waitMs: 200, backoff: { next: () => 60 } });
  assertEquals(!result.ok && result.error instanceof RefusedError, true);
});

Deno.test("retryUntil() reports the timeout of a shortened last try that follows a success", async () => {
  for (const first of ["up", "refused"]) {
    const outcomes = [first, "up", "cut short"];
    const attempt = () => {
      const outcome = outcomes.shift();
      if (outcome === "up") return Promise.resolve(outcome);
      return Promise.reject(outcome === "refused" ? new RefusedError(outcome) : new TimeoutError("reply", "cut short"));
    };
    const options = { ...OPTIONS, waitMs: 200, stableForMs: 190, backoff: { next: () => 70 } };
    const result = await retryUntil(attempt, options);
    assertEquals(!result.ok && result.error instanceof TimeoutError, true, first);
    assertEquals(result.reasons.get("cut short"), 1);
  }
});

Deno.test("retryUntil() throws the reason of the signal", async () => {
  const controller = new AbortController();
  const attempt = () => {
    controller.abort(new TypeError("stopped"));
    return Promise.reject(new RefusedError("no"));
  };
  await assertRejects(() => retryUntil(attempt, { ...OPTIONS, signal: controller.signal, waitMs: 60_000 }), TypeError);
});

Deno.test("retryUntil() ends with the waiting time, even if the last attempt meets a silent peer", async () => {
  for (const waitMs of [500, 1_000, 2_500, 3_150]) {
    using time = new FakeTime();
    const result = retryUntil(
      (deadline) => abortable(new Promise(() => {}), deadline.wait(), () => new TimeoutError("reply", "silent")),
      { ...OPTIONS, waitMs, backoff: { next: () => 100 } },
    );
    await time.advance(10_000);
    const { ms } = await result;
    assert(ms > waitMs - 101 && ms <= waitMs, `${ms} of ${waitMs} ms`);
  }
});
