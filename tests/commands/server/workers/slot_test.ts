import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "@parley/parley";
import { checkWorkers, idsOf, shareOf } from "../../../../src/commands/server/workers/slot.ts";
import type { NamedService } from "../../../../src/services/service.ts";

Deno.test("idsOf() gives each thread distinct numbers, which together are all from 1 on", () => {
  const threads = [0, 1, 2].map((index) => idsOf({ index, count: 3 }));
  assertEquals(threads.map((next) => [next(), next(), next()]), [[1, 4, 7], [2, 5, 8], [3, 6, 9]]);
  const only = idsOf({ index: 0, count: 1 });
  assertEquals([only(), only()], [1, 2]);
});

Deno.test("shareOf() is a thread's share of a limit, at least one", () => {
  const shares = ([[10, 1], [10, 3], [3, 3], [2, 3]] as const).map(([limit, count]) =>
    shareOf(limit, { index: 0, count })
  );
  assertEquals(shares, [10, 3, 1, 1]);
});

Deno.test("checkWorkers() rejects what several threads cannot share", { ignore: Deno.build.os !== "linux" }, () => {
  const check = (workers: number, extras: { sharesState?: boolean; endpoint?: string; maxAccepts?: number } = {}) => {
    const service = { name: "echo", sharesState: extras.sharesState } as NamedService;
    const { endpoint = "ws://127.0.0.1:1", maxAccepts } = extras;
    return checkWorkers(workers, { service, endpoints: ["tcp://127.0.0.1:0", endpoint], maxAccepts });
  };
  check(2);
  check(1, { sharesState: true, endpoint: "unix:/run/a.sock", maxAccepts: 1 });
  const messageOf = (extras: Parameters<typeof check>[1]) => assertThrows(() => check(2, extras), UsageError).message;
  assertEquals([
    messageOf({ sharesState: true }),
    messageOf({ maxAccepts: 1 }),
    messageOf({ endpoint: "unix:/run/a.sock" }),
  ], [
    "echo does not support --workers: it keeps its state in one thread",
    "--workers and --exit-after cannot be combined",
    "--workers cannot share unix:/run/a.sock: only ports can be shared",
  ]);
});
