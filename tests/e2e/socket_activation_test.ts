import { assertEquals, assertStringIncludes } from "@std/assert";
import { closedPort } from "../support/ports.ts";
import { runProgram } from "../support/program.ts";
import { runClient } from "../support/run_client.ts";
import { toolTest } from "../support/tools.ts";

const SERVER = new URL("../../src/server.ts", import.meta.url).pathname;
const OPTIONS = ["--log-level", "off"];

/** Opens a listening socket at descriptor 3 of a program, and prints its port. */
const LAUNCHER = `
import os, socket, sys
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(8)
os.dup2(listener.fileno(), 3); os.set_inheritable(3, True)
print(listener.getsockname()[1], flush=True)
os.execvp(sys.argv[1], sys.argv[1:])
`;

function serverWords(...args: string[]): string[] {
  return [Deno.execPath(), "run", "-q", "--no-lock", "-N", "-R", SERVER, ...args, ...OPTIONS];
}

for (const scheme of ["", "ws://"]) {
  toolTest("python3", `echo ${scheme}fd:3 serves on an inherited socket, one client after the other`, async () => {
    const args = ["-c", LAUNCHER, ...serverWords("echo", `${scheme}fd:3`, "--exit-after", "2")];
    const child = new Deno.Command("python3", { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    for (const text of ["one", "two"]) {
      // The kernel accepts at once: what is sent waits until the server has started.
      const { code, stderr } = await runClient([
        "send",
        `${scheme || "tcp://"}127.0.0.1:${port}`,
        text,
        "--expect",
        text,
      ]);
      assertEquals(code, 0, stderr);
    }
    await reader.cancel();
    assertEquals((await child.status).code, 0);
  });
}

toolTest("systemd-socket-activate", "systemd-socket-activate starts a server with its first client", async () => {
  const port = closedPort();
  const args = ["-l", `127.0.0.1:${port}`, ...serverWords("echo", "fd:3", "--exit-after", "1")];
  const child = new Deno.Command("systemd-socket-activate", { args, stdin: "null", stderr: "null" }).spawn();
  assertEquals((await runClient(["check", `:${port}`, "--wait", "10s", "--stable-for", "1ms"])).code, 0);
  assertEquals((await child.status).code, 0);
});

Deno.test("an inherited socket takes neither --reuse-port nor --workers", async () => {
  for (const flags of [["--reuse-port"], ["--workers", "2"]]) {
    const { code, stderr } = await runProgram("server", ["echo", "fd:3", ...flags], { permissions: ["-A"] });
    assertEquals([code, stderr.includes("an inherited socket is shared by no other")], [2, true], stderr);
  }
});

Deno.test("a descriptor that is no listening TCP socket is rejected with one line", async () => {
  for (const descriptor of [1, 77, 65_535]) {
    const { code, stderr } = await runProgram("server", ["echo", `fd:${descriptor}`]);
    assertEquals(code, 8, stderr);
    assertStringIncludes(
      stderr,
      `Cannot listen on fd:${descriptor}: descriptor ${descriptor} is no listening TCP socket`,
    );
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});
