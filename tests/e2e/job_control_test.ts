/** Commands that are stopped, and the job control of a shell. */

import { assertEquals } from "@std/assert";
import { startProgram, startServer } from "../support/program.ts";
import { Terminal } from "../support/terminal.ts";
import { toolTest } from "../support/tools.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

/** A command that prints its process ID, and the one that stops only itself. */
const PRINTS_PID = ["sh", "-c", "echo pid $$ >&2; exec sleep 600"];
const OWN_GROUP = `python3 -c 'import os, time; os.setpgid(0, 0); print("\\npid", os.getpid(), flush=True); ` +
  `time.sleep(600)'`;

/** Waits until the process is in the state, as `T` for a stopped one (proc_pid_stat(5)). */
async function isIn(state: "S" | "T", pid: number): Promise<void> {
  while (!(await Deno.readTextFile(`/proc/${pid}/stat`)).includes(`) ${state} `)) {
    await new Promise((done) => setTimeout(done, 5));
  }
}

async function stop(pid: number): Promise<void> {
  Deno.kill(pid, "SIGSTOP");
  await isIn("T", pid);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} ends echo -- COMMAND and the command, which is stopped`, LINUX, async () => {
    const words = ["echo", ":0", "--", ...PRINTS_PID];
    await using server = startProgram("server", words, { permissions: ["-A"] });
    await stop(Number((await server.errorLine(/^pid /)).slice(4)));
    server.kill(signal);
    assertEquals((await server.outcome()).code, { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal]);
  });
}

Deno.test("connect -- COMMAND ends a command that is stopped without SIGKILL", LINUX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  const words = ["sh", "-c", 'trap "echo terminated >&2" TERM; echo pid $$ >&2; read x'];
  await using client = startProgram("client", ["connect", echo.endpoint, "--", ...words], { permissions: ["-A"] });
  await stop(Number((await client.errorLine(/^pid /)).slice(4)));
  client.kill("SIGTERM");
  await client.errorLine(/^terminated/);
  assertEquals((await client.outcome()).code, 143);
});

Deno.test("connect -- COMMAND lets a command that is stopped continue when it continues itself", LINUX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  const words = ["sh", "-c", "echo pid $$ >&2; read x; echo continued >&2"];
  await using client = startProgram("client", ["connect", echo.endpoint, "--", ...words], { permissions: ["-A"] });
  const pid = Number((await client.errorLine(/^pid /)).slice(4));
  await stop(pid);
  client.kill("SIGSTOP");
  client.kill("SIGCONT");
  await isIn("S", pid);
});

/** A shell with job control, in which the server runs a command; the command's process ID. */
async function startInShell(command: string): Promise<{ shell: Terminal; pid: number }> {
  const shell = new Terminal("bash", ["--norc", "--noprofile", "-i"]);
  await shell.type(`"$DENO" run -A "$SRC/server.ts" echo :0 --log-level off -- ${command}\r`);
  await shell.until("\npid ");
  await shell.until("\n");
  return { shell, pid: Number(/\npid (\d+)\n/.exec(shell.text)?.[1]) };
}

/** The exit code of the last command in the shell. */
async function lastExit(shell: Terminal, code: number): Promise<void> {
  await shell.type('echo "exit $?"\r');
  await shell.until(`exit ${code}`);
}

toolTest("python3", "Ctrl-Z stops echo -- COMMAND and the command, and fg continues both", async () => {
  const { shell, pid } = await startInShell("sh -c 'echo; echo pid $$; exec sleep 600'");
  await using _shell = shell;
  for (let time = 0; time < 2; time++) {
    await shell.type("\x1a");
    await shell.until("Stopped");
    await isIn("T", pid);
    await shell.type("fg\r");
    await isIn("S", pid);
  }
  await shell.type("\x03");
  await lastExit(shell, 130);
});

toolTest("python3", "Ctrl-C ends echo -- COMMAND and a command that is stopped", async () => {
  const { shell, pid } = await startInShell("sh -c 'echo; echo pid $$; exec sleep 600'");
  await using _shell = shell;
  await stop(pid);
  await shell.type("\x03");
  await lastExit(shell, 130);
});

toolTest("python3", "fg continues a command that is stopped in a group of its own, as a shell in a shell", async () => {
  const { shell, pid } = await startInShell(OWN_GROUP);
  await using _shell = shell;
  await stop(pid);
  await shell.type("\x1a");
  await shell.until("Stopped");
  await shell.type("fg\r");
  await isIn("S", pid);
  Deno.kill(pid, "SIGTERM");
  await lastExit(shell, 143);
});
