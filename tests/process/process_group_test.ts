import { assertEquals } from "@std/assert";
import { ProcessGroup } from "../../src/process/process_group.ts";
import { FakeTime } from "../support/fake_time.ts";

Deno.test("ProcessGroup.stop() reads for 500 ms (PIPE_MS) what a process outside of the group may still write", async () => {
  const pid = Promise.withResolvers<number>();
  // It writes its number when it has left the group.
  const group = new ProcessGroup(["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' &"], {
    onOutput: (bytes) => pid.resolve(Number(new TextDecoder().decode(bytes))),
    onErrorOutput: () => {},
  });
  const escaped = await pid.promise;
  try {
    await group.ended;
    let isOver = false;
    using time = new FakeTime();
    const stopping = group.stop(1_000).then(() => isOver = true);
    await time.advance(490);
    assertEquals(isOver, false);
    await time.advance(20);
    await stopping;
  } finally {
    Deno.kill(escaped, "SIGKILL");
  }
});

Deno.test("ProcessGroup.outputSettled() waits for a slow receiver, then for 200 ms without output (QUIET_MS)", async () => {
  const pid = Promise.withResolvers<number>();
  const isTaken = Promise.withResolvers<void>();
  const group = new ProcessGroup(["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' &"], {
    onOutput(bytes) {
      pid.resolve(Number(new TextDecoder().decode(bytes)));
      return isTaken.promise;
    },
    onErrorOutput: () => {},
  });
  const escaped = await pid.promise;
  try {
    await group.ended;
    let isSettled = false;
    using time = new FakeTime();
    const settled = group.outputSettled().then(() => isSettled = true);
    await time.advance(1_010);
    assertEquals(isSettled, false);
    isTaken.resolve();
    await time.advance(190);
    assertEquals(isSettled, false);
    await time.advance(210);
    assertEquals(isSettled, true);
    await settled;
    const stopping = group.stop(0);
    await time.advance(500);
    await stopping;
  } finally {
    Deno.kill(escaped, "SIGKILL");
  }
});

Deno.test("ProcessGroup.stop() closes the streams of a command that has become another user, as sudo does", async () => {
  const { kill } = Deno;
  const started = Promise.withResolvers<void>();
  const group = new ProcessGroup(["sh", "-c", "echo; cat"], {
    hasInput: true,
    onOutput: () => started.resolve(),
    onErrorOutput: () => {},
  });
  await started.promise;
  Deno.kill = () => {
    throw new Deno.errors.PermissionDenied("EPERM: Operation not permitted");
  };
  try {
    await group.stop(1);
    assertEquals((await group.ended).code, 0);
  } finally {
    Deno.kill = kill;
  }
});

Deno.test({
  name: "ProcessGroup.stop() ends stopped processes with SIGTERM, which they handle once they continue",
  ignore: Deno.build.os === "windows",
  async fn() {
    const group = new ProcessGroup(["sleep", "600"], { onOutput: () => {}, onErrorOutput: () => {} });
    Deno.kill(-group.pid, "SIGSTOP");
    await group.stop(60_000);
    assertEquals((await group.ended).signal, "SIGTERM");
  },
});
