import { assertEquals } from "@std/assert";
import { ReloadSignal } from "../../src/cli/reload_signal.ts";

Deno.test({
  name: "ReloadSignal handles two signals in turn, so that the newer state of the files stays",
  ignore: Deno.build.os === "windows",
  async fn() {
    using signal = new ReloadSignal();
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const reads = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const done = Promise.withResolvers<void>();
    const steps: string[] = [];
    let count = 0;
    signal.add(async () => {
      const turn = count++;
      steps.push(`begin ${turn}`);
      begun[turn]?.resolve();
      await reads[turn]?.promise;
      steps.push(`end ${turn}`);
      if (turn === 1) done.resolve();
    });
    // A signal listener does not keep the event loop alive.
    const timer = setInterval(() => {}, 60_000);
    try {
      Deno.kill(Deno.pid, "SIGHUP");
      await begun[0]?.promise;
      const second = Promise.withResolvers<void>();
      Deno.addSignalListener("SIGHUP", second.resolve);
      Deno.kill(Deno.pid, "SIGHUP");
      await second.promise;
      Deno.removeSignalListener("SIGHUP", second.resolve);
      // The second file is read faster than the first.
      reads[1]?.resolve();
      await Promise.resolve();
      reads[0]?.resolve();
      await done.promise;
    } finally {
      clearInterval(timer);
    }
    assertEquals(steps, ["begin 0", "end 0", "begin 1", "end 1"]);
  },
});
