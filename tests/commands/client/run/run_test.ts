import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { closedPort } from "../../../support/ports.ts";
import { startProgram } from "../../../support/in_process.ts";
import { runClient } from "../../../support/run_client.ts";

/** A server of a few lines that listens after a moment; it writes its process id and that of a child to files. */
const SERVER = `
  const [port, folder] = Deno.args;
  const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
  Deno.writeTextFileSync(folder + "/pids", Deno.pid + " " + child.pid);
  await new Promise((resolve) => setTimeout(resolve, 100));
  Deno.serve({ port: Number(port), hostname: "127.0.0.1", onListen() {} }, () => new Response("ok"));
`;

async function serverCommand(port: number): Promise<{ words: string; folder: string }> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/server.ts`, SERVER);
  return { folder, words: `${Deno.execPath()} run --no-config -A ${folder}/server.ts ${port} ${folder}` };
}

/** Whether the process exists and is not merely unreaped. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    return !/^State:\s+[ZX]/m.test(await Deno.readTextFile(`/proc/${pid}/status`));
  } catch {
    // No such process.
    return false;
  }
}

Deno.test("run starts the server, waits, runs the test, and stops the server and its children", async () => {
  const port = closedPort();
  const { words, folder } = await serverCommand(port);
  const junit = `${folder}/report.xml`;
  const { code, stdout, stderr } = await runClient([
    ...["run", "--start", words, "--check", `http://127.0.0.1:${port}/`, "--json", "--junit", junit],
    ...["--", "sh", "-c", "exit 7"],
  ]);
  assertEquals(code, 7, stderr);
  const { ok, exitCode, steps } = JSON.parse(stdout);
  assertEquals([ok, exitCode, steps.length, steps[0].exitCode, steps[1].exitCode], [false, 7, 2, 0, 7]);
  assertMatch(await Deno.readTextFile(junit), /tests="2" failures="1"/);
  const pids = (await Deno.readTextFile(`${folder}/pids`)).split(" ").map(Number);
  assertEquals(await Promise.all(pids.map(isRunning)), [false, false]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("run reports how long the wait and the test took", async () => {
  const startMs = performance.now();
  const { stdout } = await runClient([
    "run",
    "--start",
    "sleep 600",
    "--check",
    "exec:true",
    "--json",
    "--",
    "sleep",
    "0.05",
  ]);
  const [wait, test] = JSON.parse(stdout).steps.map(({ ms }: { ms: number }) => ms);
  // Both are rounded.
  assert(wait >= 0 && test >= 50 && wait + test <= performance.now() - startMs + 1, `${wait} and ${test} ms`);
});

Deno.test("run fails at once when a server ends before it is ready, with its output", async () => {
  const startedMs = performance.now();
  const { code, stderr } = await runClient([
    ...["run", "--start", "sh -c 'echo out of memory >&2; exit 3'", "--check", `:${closedPort()}`, "--wait", "60s"],
    ...["--", "false"],
  ]);
  assertEquals(code, 1);
  assert(performance.now() - startedMs < 20_000);
  assertStringIncludes(stderr, "ended with exit status 3 before everything was ready");
  assertStringIncludes(stderr, "out of memory");
});

Deno.test("run does not run the test when the wait is over, and still stops the servers", async () => {
  const folder = await Deno.makeTempDir();
  const { code, stderr } = await runClient([
    ...["run", "--start", `sh -c 'echo $$ > ${folder}/pid; sleep 600'`, "--check", `:${closedPort()}`],
    ...["--wait", "300ms", "--", "touch", `${folder}/ran`],
  ]);
  assertEquals(code, 4);
  assertStringIncludes(stderr, "was not ready after");
  assertEquals(await isRunning(Number(await Deno.readTextFile(`${folder}/pid`))), false);
  assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["pid"]);
  await Deno.remove(folder, { recursive: true });
});

for (const [signal, expected] of [["SIGHUP", 129], ["SIGQUIT", 131], ["SIGTERM", 143]] as const) {
  Deno.test(`run stops its servers when ${signal} arrives before they are ready`, async () => {
    const server = "sh -c 'echo started $$; exec sleep 600'";
    const words = ["run", "--show-output", "--start", server, "--check", `:${closedPort()}`, "--", "true"];
    await using program = startProgram("client", words, { permissions: ["-A"] });
    const line = await program.errorLine(/started/);
    program.kill(signal);
    assertEquals(await program.exitCode(), expected);
    assertEquals(await isRunning(Number(/\d+/.exec(line)?.[0])), false);
  });
}

Deno.test("run kills a server that ignores SIGTERM after --stop-timeout", async () => {
  const folder = await Deno.makeTempDir();
  const server = `sh -c 'trap "" TERM; echo $$ > ${folder}/pid; while :; do sleep 0.1; done'`;
  const startedMs = performance.now();
  const { code } = await runClient([
    ...["run", "--start", server, "--check", `file:${folder}/pid`, "--stop-timeout", "300ms", "--", "true"],
  ]);
  const elapsedMs = performance.now() - startedMs;
  assertEquals(code, 0);
  assert(elapsedMs >= 300 && elapsedMs < 9_000, `${elapsedMs} ms`);
  assertEquals(await isRunning(Number(await Deno.readTextFile(`${folder}/pid`))), false);
  await Deno.remove(folder, { recursive: true });
});

for (
  const { words, message } of [
    { words: ["--check", ":1", "--", "true"], message: "no server to start" },
    { words: ["--start", "true", "--", "true"], message: "nothing to wait for" },
    { words: ["--start", "true", "--check", ":1"], message: "no test to run" },
    { words: ["--start", "true", "--check", ":1", "--"], message: 'no command follows "--"' },
    { words: ["--start", "true", "--check", ":1", "extra", "--", "true"], message: 'unexpected argument "extra"' },
    { words: ["--start", "'true", "--check", ":1", "--", "true"], message: "unterminated quote" },
    { words: ["--start", "no-such-command", "--check", ":1", "--", "true"], message: "no such command" },
  ]
) {
  Deno.test(`run rejects ${words.join(" ")}`, async () => {
    const { code, stderr } = await runClient(["run", ...words]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, message);
  });
}
