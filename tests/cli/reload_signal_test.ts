import { assertEquals } from "@std/assert";
import { ReloadSignal } from "../../src/cli/reload_signal.ts";
import { FakeSignals } from "../support/fake_signals.ts";

const UNIX = { ignore: Deno.build.os === "windows" };

Deno.test("ReloadSignal handles two signals in turn, so that the newer state of the files stays", UNIX, async () => {
  const signals = new FakeSignals();
  using signal = new ReloadSignal(undefined, signals);
  const begun = Promise.withResolvers<void>();
  const reads = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = Promise.withResolvers<void>();
  const steps: string[] = [];
  let count = 0;
  signal.add(async () => {
    const turn = count++;
    steps.push(`begin ${turn}`);
    begun.resolve();
    await reads[turn]?.promise;
    steps.push(`end ${turn}`);
    if (turn === 1) done.resolve();
  });
  signals.send("SIGHUP");
  await begun.promise;
  signals.send("SIGHUP");
  // The second file is read faster than the first.
  reads[1]?.resolve();
  await Promise.resolve();
  reads[0]?.resolve();
  await done.promise;
  assertEquals(steps, ["begin 0", "end 0", "begin 1", "end 1"]);
});
