import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { runChild } from "../../src/commands/child_process.ts";
import { FakeIo } from "../support/fake_io.ts";

Deno.test("runChild() returns the exit code of the command, each from 0 to 255", async () => {
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const found: number[] = [];
  // A few at a time: each is a process.
  for (let from = 0; from < codes.length; from += 16) {
    const some = codes.slice(from, from + 16);
    found.push(...await Promise.all(some.map((code) => runChild(["sh", "-c", `exit ${code}`], new FakeIo()))));
  }
  assertEquals(found, codes);
});

Deno.test("runChild() returns 128 + N when signal N ended the command", async () => {
  for (const [signal, code] of [["TERM", 143], ["KILL", 137], ["HUP", 129]] as const) {
    assertEquals(await runChild(["sh", "-c", `kill -${signal} $$`], new FakeIo()), code);
  }
});

Deno.test("runChild() passes variables on to the command, and keeps its own", async () => {
  const words = ["sh", "-c", 'test "$PARLEY_PORT" = 8080 && test -n "$PATH"'];
  assertEquals(await runChild(words, new FakeIo(), { env: { PARLEY_PORT: "8080" } }), 0);
});

Deno.test("runChild() rejects a command that does not exist or cannot be executed", async () => {
  await assertRejects(() => runChild(["no-such-command"], new FakeIo()), UsageError, "no such command");
  await assertRejects(() => runChild(["/etc/passwd"], new FakeIo()), UsageError, "not executable");
});

Deno.test("runChild() ends the command with SIGTERM when the signal aborts", async () => {
  const aborter = new AbortController();
  const running = runChild(["sleep", "3"], new FakeIo(), { signal: aborter.signal });
  aborter.abort();
  assertEquals(await running, 143);
});

Deno.test("runChild() reports a signal that it may not send, to a command such as sudo", async () => {
  const { kill } = Deno.ChildProcess.prototype;
  Deno.ChildProcess.prototype.kill = () => {
    throw new Deno.errors.PermissionDenied("EPERM: Operation not permitted");
  };
  try {
    const io = new FakeIo();
    assertEquals(await runChild(["true"], io, { signal: AbortSignal.abort() }), 0);
    assertEquals(io.err, `Cannot send SIGTERM to "true": it runs as another user\n`);
  } finally {
    Deno.ChildProcess.prototype.kill = kill;
  }
});
