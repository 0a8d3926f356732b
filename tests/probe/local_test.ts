import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TimeoutError, UsageError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { assertContent } from "../../src/probe/content.ts";
import { NotReadyError } from "../../src/probe/probe.ts";
import { resolveProbe } from "../../src/probe/registry.ts";
import { isInStatusRanges } from "../../src/probe/content.ts";
import { FakeTime } from "../support/fake_time.ts";
import { runProbe } from "../support/run_probe.ts";

Deno.test("the exec probe is ready when the command exits with 0, and only then", async () => {
  assertEquals(await runProbe("exec:sh -c 'exit 0'"), {});
  await assertRejects(
    () => runProbe("exec:sh -c 'echo first; echo last >&2; exit 3'"),
    NotReadyError,
    "status 3: last",
  );
  await assertRejects(() => runProbe("exec:sh -c 'echo only; exit 4'"), NotReadyError, "status 4: only");
  await assertRejects(() => runProbe("exec:false"), NotReadyError, "exit status 1");
  await assertRejects(() => runProbe("exec:sh -c 'kill -9 $$'"), NotReadyError, "SIGKILL");
  await assertRejects(() => runProbe("exec:no-such-command x"), UsageError, "no such command");
});

Deno.test("the exec probe ends a command that takes too long, with its child processes", async () => {
  const folder = await Deno.makeTempDir();
  const command = `sh -c 'sleep 600 & echo $! > ${folder}/pid; wait'`;
  await assertRejects(() => runProbe(`exec:${command}`, { deadline: new Deadline(300) }), TimeoutError, "did not exit");
  const pid = (await Deno.readTextFile(`${folder}/pid`)).trim();
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "State: X");
  assertEquals(/^State:\s+[ZX]/m.test(status), true, status);
  await Deno.remove(folder, { recursive: true });
});

/** A script that ends with the code that it is given, once a process has left its group; that writes its number to `pid`. */
async function escapingScript(folder: string): Promise<string> {
  const path = `${folder}/escape.sh`;
  await Deno.writeTextFile(
    path,
    `cd ${folder}
rm -f pid
setsid sh -c 'echo $$ > new; mv new pid; exec sleep 600' &
until [ -e pid ]; do sleep 0.01; done
echo why
exit $1
`,
  );
  return path;
}

Deno.test("the exec probe does not wait for a process that left the group and holds the output", async () => {
  const folder = await Deno.makeTempDir();
  const script = await escapingScript(folder);
  const escapes = (code: number) => `exec:sh ${script} ${code}`;
  const endEscaped = async () => Deno.kill(Number(await Deno.readTextFile(`${folder}/pid`)), "SIGKILL");
  const startMs = performance.now();
  assertEquals(await runProbe(escapes(0)), {});
  await endEscaped();
  await assertRejects(() => runProbe(escapes(3)), NotReadyError, "exit status 3: why");
  await endEscaped();
  assertEquals(performance.now() - startMs < 4_000, true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the exec probe reads remaining output for 200 ms (OUTPUT_MS), and 500 ms while it stops the group", async () => {
  const folder = await Deno.makeTempDir();
  const script = await escapingScript(folder);
  const endless = { wait: () => ({ signal: undefined, timeout: undefined }) } as unknown as Deadline;
  {
    using time = new FakeTime();
    let isOver = false;
    const probing = runProbe(`exec:sh ${script} 3`, { deadline: endless })
      .catch(() => {}).finally(() => isOver = true);
    // The first timer is that of the output, once the command has ended.
    while (time.timerCount === 0) await time.advance(0);
    await time.advance(690);
    assertEquals(isOver, false);
    await time.advance(20);
    await probing;
  }
  Deno.kill(Number(await Deno.readTextFile(`${folder}/pid`)), "SIGKILL");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the exec probe reports the end of an output that is longer than its limit", async () => {
  await assertRejects(
    () => runProbe("exec:sh -c 'head -c 100000 /dev/zero | tr \\\\0 x; echo; echo last; exit 1'"),
    NotReadyError,
    "exit status 1: last",
  );
});

Deno.test("the exec probe rejects a file that is not executable as a mistake of the user", async () => {
  await assertRejects(() => runProbe("exec:/etc/passwd"), UsageError, "it is not executable");
});

Deno.test("the file probe does not open a FIFO, which would block", async () => {
  const folder = await Deno.makeTempDir();
  await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
  await assertRejects(() => runProbe(`file:${folder}/fifo`), NotReadyError, "not a regular file");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the file probe is ready when the file exists, is not empty and has the content", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/ready`;
  await assertRejects(() => runProbe(`file:${path}`), NotReadyError, "no such file");
  await Deno.writeTextFile(path, "");
  await assertRejects(() => runProbe(`file:${path}`), NotReadyError, "the file is empty");
  await Deno.writeTextFile(path, '{"state":"up"}');
  assertEquals(await runProbe(`file:${path}`), { bytes: 14 });
  assertEquals(await runProbe(`file://${path}`, { expected: { bodyJson: "state=up" } }), { bytes: 14 });
  await assertRejects(
    () => runProbe(`file:${path}`, { expected: { body: "down" } }),
    NotReadyError,
    "does not contain",
  );
  await assertRejects(() => runProbe(`file:${folder}`), NotReadyError, "not a regular file");
  await Deno.remove(folder, { recursive: true });
});

const TARGET = resolveProbe("http://h/").target;

Deno.test("assertContent() finds values in JSON by their path", () => {
  const json = new TextEncoder().encode('{"a":{"b":[{"c":1},{"c":"x=y"}]},"t":true,"n":null}');
  for (const good of ["a.b[0].c=1", "a.b[1].c=x=y", "t=true", "n=null", "a.b.1.c=x=y"]) {
    assertContent(TARGET, json, { bodyJson: good });
  }
  for (
    const [wrong, words] of [
      ["a.b[0].c=2", "a.b[0].c is 1, not 2"],
      ["a.b[9].c=1", "is missing, not 1"],
      ["toString=x", "is missing"],
      ["t.x=1", "is missing"],
    ] as const
  ) {
    assertThrows(() => assertContent(TARGET, json, { bodyJson: wrong }), NotReadyError, words);
  }
  assertThrows(() => assertContent(TARGET, json, { bodyJson: "noequals" }), UsageError, "expected PATH=VALUE");
  assertThrows(() => assertContent(TARGET, new Uint8Array(0), { bodyJson: "a=1" }), NotReadyError, "not JSON");
});

Deno.test("isInStatusRanges() takes single statuses and ranges, at their bounds", () => {
  for (
    const [ranges, status, isIn] of [
      ["200-299", 200, true],
      ["200-299", 299, true],
      ["200-299", 300, false],
      ["200-299", 199, false],
      ["200, 401", 401, true],
      ["200,401-403", 402, true],
      ["200", 201, false],
    ] as const
  ) {
    assertEquals(isInStatusRanges(ranges, status), isIn, `${status} in ${ranges}`);
  }
  for (const wrong of ["", "2xx", "200-", "20", "200;300"]) {
    assertThrows(() => isInStatusRanges(wrong, 200), UsageError, "for example 200-299,401");
  }
});

Deno.test("resolveProbe() parses targets without showing a password", () => {
  const { target } = resolveProbe("postgres://ann:p%40ss@[::1]/app?sslmode=require");
  assertEquals([target.user, target.password, target.host, target.port, target.name], [
    "ann",
    "p@ss",
    "::1",
    5432,
    "app",
  ]);
  assertEquals(target.text, "postgres://[::1]:5432/app?sslmode=require");
  assertEquals(resolveProbe("http://h:80/x").target.port, 80);
  assertEquals(resolveProbe("8080").target.text, "tcp://127.0.0.1:8080");
  for (const wrong of ["postgres:db", "redis://:secret@", "redis://h:99999/secret", "mysql://u:secret@h:x/"]) {
    const error = assertThrows(() => resolveProbe(wrong), SyntaxError);
    assertEquals(error.message.includes("secret"), false, error.message);
  }
  assertThrows(() => resolveProbe("gopher://h"), SyntaxError, "unknown scheme");
  assertThrows(() => resolveProbe("exec:"), SyntaxError, 'nothing follows "exec:"');
});
