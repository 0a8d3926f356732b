import { assertEquals, assertRejects } from "@std/assert";
import { ParleyError, RefusedError, retry, TlsError } from "@parley/parley";
import { withinTime } from "../support/give_back.ts";

const NO_PAUSE = { next: () => 0 };
const refused = () => Promise.reject(new RefusedError("connection refused"));

Deno.test("retry() tries up to the maximum, and throws the last error", async () => {
  const attempts: number[] = [];
  const work = (attempt: number) => (attempts.push(attempt), refused());
  await assertRejects(() => withinTime(retry(work, { tries: 4, backoff: NO_PAUSE }), "the tries"), RefusedError);
  assertEquals(attempts, [1, 2, 3, 4]);
});

Deno.test("retry() returns the first success", async () => {
  const work = (attempt: number) => attempt < 3 ? refused() : Promise.resolve(attempt);
  assertEquals(await retry(work, { backoff: NO_PAUSE }), 3);
});

Deno.test("retry() does not repeat permanent failures, by default or by the caller's test", async () => {
  let count = 0;
  const fail = (error: Error) => () => count++ < 10 ? Promise.reject(error) : Promise.resolve();
  await assertRejects(() => retry(fail(new TlsError("expired", "expired")), { backoff: NO_PAUSE }), TlsError);
  await assertRejects(() => retry(fail(new Error("bug")), { backoff: NO_PAUSE }), Error, "bug");
  await assertRejects(() => retry(fail(new RefusedError("no")), { backoff: NO_PAUSE, isTransient: () => false }));
  assertEquals(count, 3);
  await assertRejects(
    () => retry(fail(new ParleyError("odd")), { tries: 2, backoff: NO_PAUSE, isTransient: () => true }),
  );
  assertEquals(count, 5);
});

Deno.test("retry() ends during a pause with the signal's reason, and tries nothing after it", async () => {
  const aborter = new AbortController();
  let count = 0;
  const retrying = retry(() => (count++, refused()), { backoff: { next: () => 3_600_000 }, signal: aborter.signal });
  setTimeout(() => aborter.abort(new Error("enough")), 0);
  await assertRejects(() => retrying, Error, "enough");
  assertEquals(count, 1);
  await assertRejects(() => retry(() => (count++, refused()), { signal: aborter.signal }), Error, "enough");
  assertEquals(count, 1);
});
