/**
 * `deno task mutate`: injects one fault at a time into a copy of the sources and runs the tests that execute its line.
 * A fault that no test detects needs a new test. The last report is in tests/README.md.
 *
 * @module
 */

import { seededRandom } from "../src/base/random.ts";
import { fastTests, loadSources, measure, type MeasuredTest, testsOf } from "./mutate/coverage.ts";
import { type Mutant, mutantsOf } from "./mutate/mutants.ts";
import { runTests } from "./mutate/run_tests.ts";
import { sourceFiles } from "./source_files.ts";
import { taskFlags } from "./task_flags.ts";

const flags = taskFlags({
  task: "mutate",
  summary: "put faults into the code and see whether a test notices",
  flags: {
    rooms: {
      type: "text",
      default: "net,framing,guard,server,services,chat,datagram,commands",
      placeholder: "ROOMS",
      help: "folders of src, separated by commas",
    },
    sample: { type: "integer", default: 200, help: "number of faults" },
    seed: { type: "integer", default: 1, help: "choose the same faults again" },
    jobs: { type: "integer", default: 2, help: "faults at a time" },
    full: { type: "boolean", help: "run every test that executes the line, not the nearest alone" },
    cache: {
      type: "text",
      placeholder: "FOLDER",
      help: "keep what each test executes here, not in /tmp/parley-mutate",
    },
    out: { type: "text", placeholder: "FILE", help: "write the report as Markdown" },
  },
});

const ROOT = new URL("../", import.meta.url);
/** The nearest tests to run for a fault, and their total time without it. */
const MAX_TESTS = 12;
const MAX_TOTAL_MS = 60_000;
/** Hanging tests after which a fault is abandoned. */
const MAX_HUNG = 2;
const MIN_TIMEOUT_MS = 20_000;

type Verdict = "noticed" | "hung" | "survived" | "not covered" | "type error";

interface Result {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

async function copyTree(): Promise<string> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "parley-mutate-" }));
  const names = ["src", "tests", "scripts", "deno.json", "deno.lock", "README.md"];
  const paths = names.map((name) => new URL(name, ROOT).pathname);
  const { code } = await new Deno.Command("cp", { args: ["-r", ...paths, folder] }).output();
  if (code !== 0) throw new Error(`Cannot copy the tree: cp exited with ${code}`);
  return folder;
}

/** Processes a queue in several copies of the tree concurrently. */
async function inCopies<T>(queue: T[], work: (folder: string, item: T) => Promise<void>): Promise<void> {
  if (queue.length === 0) return;
  await Promise.all(Array.from({ length: Math.min(flags.jobs, queue.length) }, async () => {
    const folder = await copyTree();
    try {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(folder, item);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));
}

async function tryMutant(folder: string, mutant: Mutant, tests: readonly MeasuredTest[]): Promise<Verdict> {
  const file = `${folder}/src/${mutant.path}`;
  const text = await Deno.readTextFile(file);
  const fault = text.slice(0, mutant.from) + mutant.after + text.slice(mutant.to);
  let hung = 0;
  let totalMs = 0;
  try {
    await Deno.writeTextFile(file, fault);
    for (const [index, { test, durationMs }] of tests.entries()) {
      totalMs += durationMs;
      if (!flags.full && index > 0 && (index >= MAX_TESTS || totalMs > MAX_TOTAL_MS)) break;
      const timeoutMs = Math.max(MIN_TIMEOUT_MS, 4 * durationMs);
      let outcome = await runTests(folder, [test], timeoutMs);
      if (outcome === "out of time") {
        // The machine may be busier than it was when the test was measured.
        await Deno.writeTextFile(file, text);
        const startMs = performance.now();
        await runTests(folder, [test], 4 * timeoutMs);
        const againMs = 4 * (performance.now() - startMs);
        await Deno.writeTextFile(file, fault);
        if (againMs > timeoutMs) outcome = await runTests(folder, [test], againMs);
      }
      if (outcome === "failed") return "noticed";
      if (outcome === "out of time" && ++hung === MAX_HUNG) return "hung";
    }
    if (hung > 0) return "hung";
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--lock=tests/deno.lock", `src/${mutant.path}`],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    return code !== 0 ? "type error" : tests.length === 0 ? "not covered" : "survived";
  } finally {
    await Deno.writeTextFile(file, text);
  }
}

function report(results: readonly Result[]): string {
  const rooms = [...new Set(results.map(({ mutant }) => mutant.path.split("/")[0] ?? ""))].sort();
  const row = (name: string, some: readonly Result[]) => {
    const count = (verdict: Verdict) => some.filter((result) => result.verdict === verdict).length;
    const share = Math.round(100 * count("noticed") / Math.max(1, some.length - count("type error")));
    const cells = [
      name,
      some.length,
      count("noticed"),
      count("hung"),
      count("survived"),
      count("not covered"),
      count("type error"),
      `${share}%`,
    ];
    return `| ${cells.join(" | ")} |`;
  };
  const missed = results.filter(({ verdict }) => verdict !== "noticed" && verdict !== "type error");
  return [
    "| folder | faults | noticed | hung | survived | not covered | type errors | by assertion |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rooms.map((room) => row(room, results.filter(({ mutant }) => mutant.path.startsWith(`${room}/`)))),
    row("all", results),
    "",
    "Not noticed:",
    "",
    ...missed.map(({ mutant: { path, line, operator, before, after }, verdict }) =>
      `- ${verdict}: \`src/${path}:${line}\`, ${operator}: \`${short(before)}\` became \`${short(after)}\``
    ),
    "",
  ].join("\n");
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

const cache = flags.cache ?? "/tmp/parley-mutate";
const files = await sourceFiles();
const { now, earlier } = await loadSources(files, cache);
const measured: MeasuredTest[] = [];
await inCopies(await fastTests(ROOT), async (folder, test) => {
  measured.push(await measure(folder, test, now, cache));
});
for (const { test, isPassing } of measured) if (!isPassing) console.log(`left out, fails without a fault: ${test}`);

const rooms = flags.rooms.split(",");
const all = files.filter(({ path }) => rooms.some((room) => path.startsWith(`${room}/`)))
  .filter(({ path }) => path.endsWith(".ts") && !path.includes("/page/"))
  .flatMap(({ path, text }) => mutantsOf(path, text));
const random = seededRandom(flags.seed);
const chosen = all.map((mutant) => ({ mutant, key: random() })).sort((a, b) => a.key - b.key)
  .slice(0, flags.sample).map(({ mutant }) => mutant);
console.log(`${chosen.length} of ${all.length} faults, seed ${flags.seed}`);
const results: Result[] = [];
await inCopies([...chosen], async (folder, mutant) => {
  const tests = testsOf(mutant, measured, now.get(mutant.path), earlier);
  const verdict = await tryMutant(folder, mutant, tests);
  results.push({ mutant, verdict });
  const where = `src/${mutant.path}:${mutant.line}`;
  console.log(`${results.length}/${chosen.length} ${verdict} ${where} ${mutant.operator}: ${short(mutant.before)}`);
});
const text = report(results);
console.log(text);
if (flags.out !== undefined) await Deno.writeTextFile(flags.out, text);
