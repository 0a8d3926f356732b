import { assert, assertEquals } from "@std/assert";
import { type Missing, ProgressWatch } from "../../../../src/commands/client/connect/progress_watch.ts";

function watch(waitMs: number, stallMs: number) {
  const expired = Promise.withResolvers<Missing>();
  const watch = new ProgressWatch({
    waitMs: { end: waitMs, input: waitMs, idle: Infinity },
    stallMs,
    queuedBytes: () => 0,
    onExpired: expired.resolve,
  });
  return { watch, expired: expired.promise };
}

Deno.test("ProgressWatch reports what timed out, and not before the time limit", async () => {
  const { watch: watching, expired } = watch(60, 60_000);
  using _watching = watching;
  const startMs = performance.now();
  watching.await("end");
  assertEquals(await expired, "end");
  assert(performance.now() - startMs >= 60);
});

Deno.test("ProgressWatch has a separate time limit for a peer that does not read", async () => {
  const { watch: watching, expired } = watch(60_000, 60);
  using _watching = watching;
  watching.isSending = true;
  assertEquals(await expired, "reading");
});

Deno.test("ProgressWatch counts no time while our own output is held up", async () => {
  const { watch: watching, expired } = watch(40, 40);
  using _watching = watching;
  watching.await("end");
  watching.isOutputBlocked = true;
  const startMs = performance.now();
  setTimeout(() => watching.isOutputBlocked = false, 120);
  await expired;
  assert(performance.now() - startMs >= 120);
});
