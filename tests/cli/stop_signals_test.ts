import { assertEquals } from "@std/assert";
import { defineCommand } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/run_program.ts";
import { ReloadSignal } from "../../src/cli/reload_signal.ts";
import { StopSignals } from "../../src/cli/stop_signals.ts";
import { FakeSignals } from "../support/fake_signals.ts";
import { FakeIo } from "../support/fake_io.ts";

/** Sends the signal; returns the resulting exit code. */
type Send = (signal: Deno.Signal) => Promise<number>;

function signalTest(
  name: string,
  check: (stop: StopSignals, send: Send, signals: FakeSignals) => Promise<void>,
): void {
  Deno.test(name, { ignore: Deno.build.os === "windows" }, async () => {
    const signals = new FakeSignals();
    let exited = Promise.withResolvers<number>();
    const stop = new StopSignals((code) => {
      exited.resolve(code);
      return undefined as never;
    }, signals);
    await check(stop, (signal) => {
      exited = Promise.withResolvers();
      signals.send(signal);
      return exited.promise;
    }, signals);
  });
}

signalTest("StopSignals ends the program at once while no command listens (fault 64)", async (stop, send) => {
  using _signals = stop.takeOver();
  assertEquals(await send("SIGTERM"), 143);
  assertEquals(stop.signal.aborted, false);
});

signalTest("StopSignals aborts at the first signal and ends the program at the second", async (stop, send) => {
  using _signals = stop.takeOver();
  {
    using listening = stop.listen();
    const aborted = new Promise((resolve) => listening.signal.addEventListener("abort", resolve, { once: true }));
    void send("SIGTERM");
    await aborted;
    assertEquals(listening.exitCode, 143);
    assertEquals(await send("SIGTERM"), 143);
  }
  assertEquals(await send("SIGTERM"), 143);
});

signalTest("StopSignals restores the terminal before the end, even if it is gone", async (stop, send) => {
  const restored: string[] = [];
  for (const signal of ["SIGHUP", "SIGQUIT"] as const) {
    using _first = stop.restoreBeforeExit(() => {
      restored.push(`${signal} first`);
      throw new Error("EIO");
    });
    using _second = stop.restoreBeforeExit(() => restored.push(`${signal} second`));
    assertEquals(await send(signal), signal === "SIGHUP" ? 129 : 131);
  }
  using _signals = stop.takeOver();
  await send("SIGTERM");
  assertEquals(restored, ["SIGHUP first", "SIGHUP second", "SIGQUIT first", "SIGQUIT second"]);
});

signalTest("StopSignals leaves SIGHUP to a reload, until that is disposed of", async (stop, send, signals) => {
  using _further = stop.includeFurther();
  {
    using reload = new ReloadSignal(stop, signals);
    const reloaded = Promise.withResolvers<void>();
    reload.add(() => Promise.resolve(reloaded.resolve()));
    const ended = send("SIGHUP");
    await reloaded.promise;
    signals.send("SIGQUIT");
    assertEquals(await ended, 131);
  }
  assertEquals(await send("SIGHUP"), 129);
});

signalTest("runProgram() handles signals for every command, as PID 1 needs it (fault 64)", async (stop, send) => {
  let code: number | undefined;
  const wait = defineCommand({
    usage: "",
    examples: [],
    flags: {},
    async run() {
      code = await send("SIGTERM");
      return 0;
    },
  });
  const entry = { name: "wait", summary: "wait", example: { words: "wait", does: "waits" } };
  const program = {
    name: "parley-test",
    summary: "test",
    schemes: [],
    commands: [{ ...entry, load: () => Promise.resolve(wait) }],
  };
  await runProgram(program, ["wait"], Object.assign(new FakeIo(), { stop }));
  assertEquals(code, 143);
});
