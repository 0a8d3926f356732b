/**
 * `deno task mutate`: injects one fault at a time into a copy of the sources and runs the tests that execute its line.
 * A fault that no test detects needs a new test. The last report is in tests/README.md.
 *
 * @module
 */

import { seededRandom } from "../src/base/random.ts";
import { fastTests, hashOf, loadSources, measure, type MeasuredTest, testsOf } from "./mutate/coverage.ts";
import { mutantsOf } from "./mutate/mutants.ts";
import { report, type Result, short } from "./mutate/report.ts";
import { tryMutant, type Verdict } from "./mutate/try_mutant.ts";
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
    jobs: { type: "integer", default: 3, help: "faults at a time: tests also wait, so more than there are cores" },
    "stop-after": {
      type: "duration",
      placeholder: "TIME",
      help: "begin no further fault after this time; the next run with the same flags goes on",
    },
    full: { type: "boolean", help: "run every test that executes the line, not the nearest alone" },
    cache: {
      type: "text",
      placeholder: "FOLDER",
      help: "keep what each test executes, and results, here, not in /tmp/parley-mutate",
    },
    out: { type: "text", placeholder: "FILE", help: "write the report as Markdown" },
  },
});

const ROOT = new URL("../", import.meta.url);
async function copyTree(): Promise<string> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "parley-mutate-" }));
  const names = ["src", "tests", "scripts", ".github", "deno.json", "deno.lock", "README.md", "LICENSE"];
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

/** Identifies the sources and the tests: a result holds until one of them changes. */
async function hashOfTree(): Promise<string> {
  const paths = [...await everyFile("src/"), ...await everyFile("tests/"), "deno.json"];
  return await hashOf((await Promise.all(paths.map((path) => Deno.readTextFile(new URL(path, ROOT))))).join("\0"));
}

async function everyFile(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) files.push(...await everyFile(`${folder}${name}/`));
    else files.push(`${folder}${name}`);
  }
  return files.sort();
}

/** Returns a result of an earlier run, or what `run` finds, which is kept. */
async function kept(file: string, run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return (await Deno.readTextFile(file)) as Verdict;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const verdict = await run();
  await Deno.writeTextFile(file, verdict);
  return verdict;
}

const startMs = performance.now();
const isOver = () => performance.now() - startMs >= (flags["stop-after"] ?? Infinity);
const cache = flags.cache ?? "/tmp/parley-mutate";
const files = await sourceFiles();
const { now, earlier } = await loadSources(files, cache);
const measured: MeasuredTest[] = [];
const tests = await fastTests(ROOT);
await inCopies([...tests], async (folder, test) => {
  if (!isOver()) measured.push(await measure(folder, test, now, cache));
});
console.log(`measured ${measured.length} of ${tests.length} test files`);
if (measured.length < tests.length) Deno.exit(0);
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
const folder = `${cache}/results/${await hashOfTree()}${flags.full ? "-full" : ""}`;
await Deno.mkdir(folder, { recursive: true });
await inCopies([...chosen], async (copy, mutant) => {
  if (isOver()) return;
  const tests = testsOf(mutant, measured, now.get(mutant.path), earlier);
  const file = `${folder}/${await hashOf(JSON.stringify(mutant))}`;
  const verdict = await kept(file, () => tryMutant(copy, mutant, tests, flags.full));
  results.push({ mutant, verdict });
  const where = `src/${mutant.path}:${mutant.line}`;
  console.log(`${results.length}/${chosen.length} ${verdict} ${where} ${mutant.operator}: ${short(mutant.before)}`);
});
const text = report(results);
console.log(text);
if (flags.out !== undefined) await Deno.writeTextFile(flags.out, text);
