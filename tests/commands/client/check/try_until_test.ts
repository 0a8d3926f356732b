import { assertEquals, assertRejects } from "@std/assert";
import { RefusedError, TimeoutError } from "../../../../src/base/errors.ts";
import { tryUntil } from "../../../../src/commands/client/check/try_until.ts";

const NEVER = new AbortController().signal;
const OPTIONS = { timeoutMs: 1_000, signal: NEVER, backoff: { next: () => 1 }, isFinal: () => false };

Deno.test("tryUntil() tries once when there is no waiting time", async () => {
  const result = await tryUntil(() => Promise.reject(new RefusedError("no")), { ...OPTIONS, waitMs: undefined });
  assertEquals([result.ok, result.tries], [false, 1]);
});

Deno.test("tryUntil() gives the first value that comes", async () => {
  let calls = 0;
  const attempt = () => ++calls < 3 ? Promise.reject(new RefusedError("no")) : Promise.resolve("up");
  const result = await tryUntil(attempt, { ...OPTIONS, waitMs: 60_000 });
  assertEquals([result.ok && result.value, result.tries], ["up", 3]);
});

Deno.test("tryUntil() ends at once when no further try can go better", async () => {
  const result = await tryUntil(() => Promise.reject(new SyntaxError("wrong")), {
    ...OPTIONS,
    waitMs: 60_000,
    isFinal: (error) => error instanceof SyntaxError,
  });
  assertEquals(result.tries, 1);
});

Deno.test("tryUntil() keeps the last whole failure when the last try was cut short", async () => {
  let calls = 0;
  const attempt = () =>
    Promise.reject(++calls === 1 ? new RefusedError("refused") : new TimeoutError("connect", "cut short"));
  const result = await tryUntil(attempt, { ...OPTIONS, waitMs: 200, backoff: { next: () => 60 } });
  assertEquals(!result.ok && result.error instanceof RefusedError, true);
});

Deno.test("tryUntil() throws the reason of the signal", async () => {
  const controller = new AbortController();
  const attempt = () => {
    controller.abort(new TypeError("stopped"));
    return Promise.reject(new RefusedError("no"));
  };
  await assertRejects(() => tryUntil(attempt, { ...OPTIONS, signal: controller.signal, waitMs: 60_000 }), TypeError);
});
