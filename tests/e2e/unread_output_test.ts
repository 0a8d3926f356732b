/** A reader of standard output that stops reading delays neither signals nor the program's other work. */

import { assertEquals, assertLess } from "@std/assert";
import { withinTime } from "../support/give_back.ts";
import { readTextToEnd, writeAll } from "../support/peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { withFile, withFolder } from "../support/temporary.ts";
import { UnreadProgram } from "../support/unread_program.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

/** The last output may take one second after a signal; the rest is for a busy machine. */
const END_MS = 6_000;

async function assertEnds(program: UnreadProgram, signal: Deno.Signal, code: number): Promise<void> {
  const startMs = performance.now();
  program.kill(signal);
  assertEquals(await program.exitCode(), code);
  assertLess(performance.now() - startMs, END_MS);
}

/** Waits until the only file of the folder has a match. */
async function untilWritten(folder: string, pattern: RegExp): Promise<void> {
  using changes = Deno.watchFs(folder);
  const isWritten = async () => pattern.test(await Deno.readTextFile(`${folder}/report`).catch(() => ""));
  const look = async () => {
    if (await isWritten()) return;
    for await (const _ of changes) if (await isWritten()) return;
  };
  await withinTime(look(), `a file like ${pattern}`);
}

Deno.test("a server writes its ready file, and ends by SIGTERM while its endpoints are not read", LINUX, async () => {
  await withFile("services: { a: { service: echo, endpoint: tcp://127.0.0.1:0 } }", async (stack) => {
    for (
      const [name, ...words] of [
        ["server", "echo", ":0"],
        ["server", "stack", stack],
        ["server", "relay", ":0", "127.0.0.1:1"],
        ["udp", "serve", "echo", ":0"],
        ["udp", "relay", ":0", "127.0.0.1:1"],
      ] as const
    ) {
      await withFolder(async (folder) => {
        await using program = new UnreadProgram(name, [
          ...words,
          "--print-endpoint",
          "--ready-file",
          `${folder}/report`,
        ]);
        await untilWritten(folder, /:\d/);
        await assertEnds(program, "SIGTERM", 0);
      });
    }
  });
});

for (const words of ["check", "check --json", "inspect", "send --json", "send", "connect"]) {
  Deno.test(`${words} ends by SIGTERM while its output is not read`, LINUX, async () => {
    const [command = "", ...flags] = words.split(" ");
    const isReached = Promise.withResolvers<void>();
    await using peer = scriptedPeer(async (conn) => {
      if (/^(?:send|connect)/.test(command)) await writeAll(conn, "reply\n");
      // What is printed at the end is printed once the connection has been closed.
      if (words !== "connect" && words !== "send") await readTextToEnd(conn);
      isReached.resolve();
    });
    await using program = new UnreadProgram("client", [command, peer.endpoint, ...flags]);
    if (command === "send") await program.type("x");
    if (command === "send") await program.endInput();
    await withinTime(isReached.promise, "the client");
    await assertEnds(program, "SIGTERM", 143);
  });
}
