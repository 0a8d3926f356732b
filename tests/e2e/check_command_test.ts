import { assertEquals, assertMatch } from "@std/assert";
import { closedPort } from "../support/ports.ts";
import { runProgram, startProgram } from "../support/in_process.ts";
import { runTool, toolTest } from "../support/tools.ts";

const ALL = { permissions: ["-A"] };

Deno.test("check -- COMMAND inherits the standard streams, and its exit code is ours", async () => {
  const words = ["check", "exec:true", "--", "sh", "-c", "cat; echo to stderr >&2; exit 9"];
  const { code, stdout, stderr } = await runProgram("client", words, { ...ALL, input: "from stdin\n" });
  assertEquals(code, 9);
  assertEquals(stdout, "from stdin\n");
  assertMatch(stderr, /^ok .*\nto stderr\n$/);
});

for (const [signal, code] of [["SIGTERM", 42], ["SIGINT", 42], ["SIGHUP", 42], ["SIGQUIT", 42]] as const) {
  Deno.test(`check -- COMMAND forwards ${signal} to the command and waits for it`, async () => {
    const script = `trap 'exit 42' ${signal.slice(3)}; echo started; while :; do sleep 0.05; done`;
    await using program = startProgram("client", ["check", "exec:true", "--", "sh", "-c", script], ALL);
    assertEquals(await program.line(), "started");
    program.kill(signal);
    assertEquals(await program.exitCode(), code);
  });
}

Deno.test("check -- COMMAND ends by SIGTERM during the wait, and never runs the command", async () => {
  const words = ["check", "--wait", "60s", "--log-level", "debug", `:${closedPort()}`, "--", "echo", "ran"];
  await using program = startProgram("client", words, ALL);
  await program.errorLine(/connecting to/);
  program.kill("SIGTERM");
  const { code, stdout } = await program.outcome();
  assertEquals(code, 143);
  assertEquals(stdout.includes("ran"), false);
});

Deno.test("check -- COMMAND reports a missing permission before it waits", async () => {
  const words = ["check", "--wait", "1s", `:${closedPort()}`, "--", "true"];
  const { code, stderr } = await runProgram("client", words, { permissions: ["-N"] });
  assertEquals(code, 8);
  assertMatch(stderr, /^parley-client: Cannot run "true": .*--allow-run=true.*\n$/);
});

toolTest("unshare", "check -- COMMAND as PID 1 forwards SIGTERM, and leaves no process behind", async () => {
  const script = "trap 'exit 42' TERM; sleep 600 & kill -TERM 1; while :; do sleep 0.05; done";
  const program = `exec ${Deno.execPath()} run -A --unstable-net src/client.ts check exec:true -- sh -c "${script}"`;
  const { code, stderr } = await runTool("unshare", ["--pid", "--fork", "--mount-proc", "sh", "-c", program]);
  assertEquals(code, 42, stderr);
});

Deno.test("parley-server SERVICE -- COMMAND passes its endpoint to the command, drains after it, and exits with its code", async () => {
  const script = 'echo "$PARLEY_ENDPOINT $PARLEY_HOST $PARLEY_PORT"; exit 6';
  const { code, stdout } = await runProgram("server", ["echo", "0.0.0.0:0", "--", "sh", "-c", script], ALL);
  assertEquals(code, 6);
  const [, port = "", alone] = /^tcp:\/\/127\.0\.0\.1:(\d+) 127\.0\.0\.1 (\d+)\n$/.exec(stdout) ?? [];
  assertEquals(alone, port, stdout);
  assertMatch(port, /^[1-9]\d*$/);
});

Deno.test("parley-server SERVICE -- COMMAND serves the command, and forwards SIGTERM to it", async () => {
  const client = `${Deno.execPath()} run -A --unstable-net src/client.ts`;
  const script = `trap 'exit 42' TERM; ${client} send $PARLEY_ENDPOINT 'hi\\n'; while :; do sleep 0.05; done`;
  await using program = startProgram("server", ["echo", ":0", "--", "sh", "-c", script], ALL);
  assertEquals(await program.line(), "hi");
  program.kill("SIGTERM");
  assertEquals(await program.exitCode(), 42);
});

Deno.test("parley-server SERVICE -- COMMAND exits 2 when there is no such command, and does not stay", async () => {
  const { code, stderr } = await runProgram("server", ["echo", ":0", "--", "no-such-command"], ALL);
  assertEquals(code, 2);
  assertMatch(stderr, /Cannot run "no-such-command": no such command/);
});

Deno.test("run kills its servers when a signal arrives while they are being stopped", async () => {
  const folder = await Deno.makeTempDir();
  const server = `sh -c 'trap "echo stopping" TERM; echo $$ > ${folder}/pid; while :; do sleep 0.05; done'`;
  const words = ["run", "--start", server, "--check", `file:${folder}/pid`, "--stop-timeout", "60s", "--show-output"];
  await using program = startProgram("client", [...words, "--", "true"], ALL);
  await program.errorLine(/stopping/);
  program.kill("SIGINT");
  assertEquals(await program.exitCode(), 0);
  const pid = (await Deno.readTextFile(`${folder}/pid`)).trim();
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "State: X");
  assertMatch(status, /^State:\s+[ZX]/m);
  await Deno.remove(folder, { recursive: true });
});
