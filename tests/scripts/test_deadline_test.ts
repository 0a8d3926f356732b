import { assertEquals, assertStringIncludes } from "@std/assert";

const PRELOAD = new URL("../support/test_deadline.ts", import.meta.url);
const OWN = "{ timeout: 60_000 }";

/** Runs a test file with a deadline of 200 ms, and returns what `deno test` prints. */
async function runWithDeadline(lines: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/some_test.ts`, lines.join("\n"));
    const sanitizers = ["--sanitize-ops", "--sanitize-resources"];
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", "--no-check", "--allow-env", ...sanitizers, `--preload=${PRELOAD}`, "some_test.ts"],
      cwd: folder,
      env: { NO_COLOR: "1", PARLEY_TEST_DEADLINE_MS: "200" },
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a test that waits for ever or loops fails with its name and place", async () => {
  const printed = await runWithDeadline([
    'Deno.test("waits", () => new Promise(() => setInterval(() => {}, 1_000)));',
    'Deno.test({ name: "loops", fn() { for (;;); } });',
    `Deno.test("passes", ${OWN}, () => {});`,
  ]);
  assertStringIncludes(printed, "waits => ./some_test.ts:1:6\nerror: Test timed out after 200ms.");
  assertStringIncludes(printed, "loops => ./some_test.ts:2:6\nerror: Test timed out after 200ms.");
  assertStringIncludes(printed, "1 passed | 2 failed");
});

Deno.test("every form of Deno.test() keeps its name, options, steps and sanitizers", async () => {
  const printed = await runWithDeadline([
    `Deno.test("text", ${OWN}, async (t) => void await t.step("step", () => {}));`,
    `Deno.test(${OWN}, function named() {});`,
    "Deno.test(function alone() {});",
    'Deno.test("ignored", { ignore: true }, () => {});',
    'Deno.test.ignore("left out", () => {});',
    'Deno.test("takes longer", { timeout: 60_000 }, () => new Promise((done) => setTimeout(done, 250)));',
    `Deno.test("leaks", ${OWN}, () => void setInterval(() => {}, 1_000));`,
  ]);
  const results = [...printed.matchAll(/^(\S.*) \.\.\. (ok|FAILED|ignored) /gm)].map(([, name, how]) =>
    `${name} ${how}`
  );
  assertEquals(results, [
    "text ok",
    "named ok",
    "alone ok",
    "ignored ignored",
    "left out ignored",
    "takes longer ok",
    "leaks FAILED",
  ]);
  assertStringIncludes(printed, "4 passed (1 step) | 1 failed | 2 ignored");
  assertStringIncludes(printed, "leaks => ./some_test.ts:7:6\nerror: Leaks detected");
});
