import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram, startProgram } from "../../../support/in_process.ts";
import { readTextToEnd, readToEnd, writeAll } from "../../../support/peer.ts";
import { portOf } from "../../../support/ports.ts";
import { resettingPeer } from "../../../support/resetting_peer.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";

const UNIX = { ignore: Deno.build.os === "windows" };

Deno.test("connect -- COMMAND joins a program to the server, and exits with its code", UNIX, async () => {
  const end = Promise.withResolvers<string>();
  await using server = scriptedPeer(async (conn) => {
    await writeAll(conn, "question\n");
    end.resolve(await readTextToEnd(conn));
    conn.close();
  });
  const script = 'read line; echo "got $line" >&2; echo "reply to $line at $PARLEY_ENDPOINT $PARLEY_PORT"; exit 3';
  const { code, stdout, stderr } = await runProgram("client", ["connect", server.endpoint, "--", "sh", "-c", script]);
  assertEquals([code, stdout, stderr], [3, "", "got question\n"]);
  const port = portOf(server.endpoint);
  assertEquals(await end.promise, `reply to question at ${server.endpoint} ${port}\n`);
});

Deno.test(
  "connect -- COMMAND loses nothing in either direction, and passes on the server's half-close",
  UNIX,
  async () => {
    const sent = crypto.getRandomValues(new Uint8Array(65_536));
    const count = 80;
    const end = Promise.withResolvers<Uint8Array>();
    await using server = scriptedPeer(async (conn) => {
      const reading = readToEnd(conn);
      for (let index = 0; index < count; index++) await writeAll(conn, sent);
      await (conn as Deno.TcpConn).closeWrite();
      end.resolve(await reading);
      conn.close();
    });
    const { code, stderr } = await runProgram("client", ["connect", server.endpoint, "--", "cat"]);
    const received = await end.promise;
    assertEquals([code, stderr, received.length], [0, "", count * sent.length]);
    for (let index = 0; index < count; index++) {
      assert(received.subarray(index * sent.length).subarray(0, sent.length).every((byte, at) => byte === sent[at]));
    }
  },
);

Deno.test("connect -- COMMAND half-closes when the program ends, and waits for the server", UNIX, async () => {
  let isClosed = false;
  await using server = scriptedPeer(async (conn) => {
    assertEquals(await readTextToEnd(conn), "bye\n");
    // The program has ended, so that nobody reads this.
    await writeAll(conn, "too late\n");
    isClosed = true;
    conn.close();
  });
  const { code, stderr } = await runProgram("client", ["connect", server.endpoint, "--", "echo", "bye"]);
  assertEquals([code, stderr, isClosed], [0, "", true]);
});

for (const isTalking of [true, false]) {
  const what = isTalking ? "goes on sending" : "stays silent";
  Deno.test(`connect -- COMMAND ends after the program although the server ${what}`, UNIX, async () => {
    const gone = Promise.withResolvers<void>();
    await using server = scriptedPeer(async (conn) => {
      try {
        while (isTalking) await writeAll(conn, "more ".repeat(1_000));
      } catch {
        gone.resolve();
      }
    });
    const args = ["connect", server.endpoint, "--wait-reply", "300ms", "--", "sh", "-c", "exit 4"];
    const startMs = performance.now();
    const { code, stderr } = await runProgram("client", args);
    const elapsedMs = performance.now() - startMs;
    assertEquals([code, stderr], [4, ""]);
    assert(elapsedMs >= 300 && elapsedMs < 10_000, `${elapsedMs} ms`);
    if (isTalking) await gone.promise;
  });
}

Deno.test("connect -- COMMAND stops the program and exits 7 when the server resets the connection", UNIX, async () => {
  await using server = await resettingPeer();
  const args = ["connect", server.endpoint, "--", "sh", "-c", "echo pid $$ >&2; echo hello; exec sleep 60"];
  const { code, stderr } = await runProgram("client", args);
  assertEquals(code, 7);
  assertMatch(stderr, /connection reset/);
  assertGone(stderr);
});

Deno.test("connect -- COMMAND stops a program that goes on after the end of the connection", UNIX, async () => {
  await using server = scriptedPeer((conn) => conn.close());
  const script = "echo pid $$ >&2; exec sleep 60";
  const { code, stderr } = await runProgram("client", [
    ...["connect", server.endpoint, "--wait-reply", "200ms", "--", "sh", "-c", script],
  ]);
  assertEquals(code, 143);
  assertStringIncludes(stderr, 'parley-client: stopping "sh": it has not ended with the connection');
  assertGone(stderr);
});

Deno.test(
  "connect -- COMMAND reads for 200 ms (QUIET_MS) what a process left by the program may still write",
  UNIX,
  async () => {
    const end = Promise.withResolvers<string>();
    await using server = scriptedPeer(async (conn) => {
      end.resolve(await readTextToEnd(conn));
      conn.close();
    });
    const script = "(sleep 0.05; echo late; exec sleep 60) & echo pid $! >&2; echo first; exit 4";
    const startMs = performance.now();
    const { code, stderr } = await runProgram("client", ["connect", server.endpoint, "--", "sh", "-c", script]);
    const elapsedMs = performance.now() - startMs;
    assertEquals([code, await end.promise], [4, "first\nlate\n"]);
    assert(elapsedMs >= 250 && elapsedMs < 10_000, `${elapsedMs} ms`);
    assertGone(stderr);
  },
);

Deno.test("connect -- COMMAND kills a program that ignores SIGTERM for 5 s (KILL_MS)", UNIX, async () => {
  await using server = scriptedPeer((conn) => conn.close());
  const script = "trap '' TERM; echo pid $$ >&2; while :; do sleep 1; done";
  const startMs = performance.now();
  const { code, stderr } = await runProgram("client", [
    ...["connect", server.endpoint, "--wait-reply", "100ms", "--", "sh", "-c", script],
  ]);
  const elapsedMs = performance.now() - startMs;
  assertEquals(code, 137);
  assert(elapsedMs >= 5_100 && elapsedMs < 20_000, `${elapsedMs} ms`);
  assertGone(stderr);
});

Deno.test("connect -- COMMAND stops the program at SIGTERM", UNIX, async () => {
  await using server = scriptedPeer(() => {});
  const script = "echo pid $$ >&2; exec sleep 60";
  await using client = startProgram("client", ["connect", server.endpoint, "--", "sh", "-c", script]);
  const line = await client.errorLine(/^pid/);
  client.kill("SIGTERM");
  assertEquals(await client.exitCode(), 143);
  assertGone(line);
});

Deno.test("connect rejects --receive-only with a command, and a command that does not exist", async () => {
  await using server = scriptedPeer(() => {});
  const both = await runProgram("client", ["connect", server.endpoint, "--receive-only", "--", "cat"]);
  assertEquals(both.code, 2);
  assertStringIncludes(both.stderr, "--receive-only and a command cannot be combined");
  const none = await runProgram("client", ["connect", server.endpoint, "--", "no-such-command"]);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, 'Cannot run "no-such-command": no such command');
});

/** Asserts that the process in the line `pid N` has ended. */
function assertGone(text: string): void {
  const pid = Number(/^pid (\d+)$/m.exec(text)?.[1]);
  assert(pid > 0, text);
  let isAlive = true;
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    isAlive = false;
  }
  assertEquals(isAlive, false);
}
