import { assertEquals } from "@std/assert";
import { ClientProgram } from "../../../src/services/exec/client_program.ts";
import { FakeSession } from "../../support/fake_session.ts";
import { FakeTime } from "../../support/fake_time.ts";

Deno.test("ClientProgram waits for output of left-over processes until there is none for 200 ms (PIPE_MS)", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const program = new ClientProgram(session, {
    // It writes its number when it has left the group.
    words: ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' &"],
    codec: undefined,
    isBinary: false,
    timeoutMs: undefined,
    finishTimeoutMs: 60_000,
    killAfterMs: 60_000,
  });
  const running = program.run();
  const left = Number((await session.sent(/\d/)).at(-1));
  try {
    // The first timer is that of the output, once the program has ended.
    while (time.timerCount === 0) await time.advance(0);
    // The first period is the one in which it may have written.
    await time.advance(390);
    assertEquals(session.closeReason, undefined);
    await time.advance(20);
    assertEquals(session.closeReason, "done");
    // It is stopped, too.
    await time.advance(500);
    await running;
  } finally {
    Deno.kill(left, "SIGKILL");
  }
});
