import { assertEquals } from "@std/assert";
import { ClientProgram, type ProgramOptions } from "../../../src/services/exec/client_program.ts";
import { nextTurn } from "../../../src/net/wait.ts";
import { FakeSession } from "../../support/fake_session.ts";
import { FakeTime } from "../../support/fake_time.ts";

function optionsOf(options: Partial<ProgramOptions> & Pick<ProgramOptions, "words">): ProgramOptions {
  const rest = { codec: undefined, isBinary: false, timeoutMs: undefined, finishTimeoutMs: 60_000 };
  return { killAfterMs: 60_000, ...rest, ...options };
}

Deno.test("ClientProgram ends a program that never reads its input once its client is gone", async () => {
  const session = new FakeSession();
  const words = ["sh", "-c", "echo up; exec sleep 600"];
  const running = new ClientProgram(session, optionsOf({ words, killAfterMs: 10 })).run();
  assertEquals(await session.sent(/up/), ["up\n"]);
  // More than the pipe holds.
  session.say("x".repeat(1024 * 1024));
  await nextTurn();
  session.close("peer closed");
  await running;
  assertEquals(session.note, "ended by SIGTERM");
});

Deno.test("ClientProgram does not wait for a left-over process that never reads the input", async () => {
  const session = new FakeSession();
  // It writes its number when it has left the group, and has the program's standard input.
  const words = ["sh", "-c", "exec 3<&0; setsid sh -c 'echo $$; exec sleep 600' <&3 &"];
  const running = new ClientProgram(session, optionsOf({ words, killAfterMs: 10 })).run();
  const written = nextPipeWrite();
  session.say("x".repeat(1024 * 1024));
  const left = Number((await session.sent(/\d/)).at(-1));
  try {
    await running;
    assertEquals(session.closeReason, "done");
  } finally {
    Deno.kill(left, "SIGKILL");
  }
  // The write ends with its reader, and then the pipe is closed.
  await written;
  await nextTurn();
});

/** Waits for the end of the next write to a program's standard input, which may fail. */
function nextPipeWrite(): Promise<void> {
  const { prototype } = WritableStreamDefaultWriter;
  const { write } = prototype;
  const { promise, resolve } = Promise.withResolvers<void>();
  prototype.write = function (chunk) {
    prototype.write = write;
    const writing = write.call(this, chunk);
    writing.then(resolve, () => resolve());
    return writing;
  };
  return promise;
}

Deno.test("ClientProgram waits for output of left-over processes until there is none for 200 ms (QUIET_MS)", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  // It writes its number when it has left the group.
  const program = new ClientProgram(
    session,
    optionsOf({ words: ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' &"] }),
  );
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
