/**
 * `deno task mutate`: puts one fault at a time into a copy of the sources and
 * runs the tests nearest to it. A fault that no test notices is a test to
 * write. The last report is in tests/README.md.
 *
 * @module
 */

import { seededRandom } from "../src/base/random.ts";
import { type Mutant, mutantsOf } from "./mutate/mutants.ts";
import { type SourceFile, sourceFiles } from "./source_files.ts";
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
    full: { type: "boolean", help: "run the whole fast suite for what the nearest tests did not notice" },
    out: { type: "text", placeholder: "FILE", help: "write the report as Markdown" },
  },
});

const ROOT = new URL("../", import.meta.url);
/** The nearest tests together; what takes longer hangs. */
const NEAREST_MS = 90_000;
const FULL_MS = 600_000;
/** More test files than this are not near. */
const MAX_NEAREST = 8;

type Verdict = "noticed" | "hung" | "survived" | "untested";

interface Result {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

/** Test files by the source files that they import, directly or by way of a helper of the tests. */
async function importers(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const files = await testFiles("tests/");
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    for (const [, target = ""] of text.matchAll(/from "((?:\.\.\/)+src\/[^"]+)"/g)) {
      const path = target.replace(/^(?:\.\.\/)+src\//, "");
      found.set(path, [...found.get(path) ?? [], file]);
    }
  }
  return found;
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const isSlow = /^(?:abuse|autobahn|browser|cluster|probes|smoke|support)$/.test(name);
    if (isDirectory && !isSlow) files.push(...await testFiles(`${folder}${name}/`));
    else if (name.endsWith("_test.ts")) files.push(`${folder}${name}`);
  }
  return files;
}

/** The modules of `src/` that import each of them. */
function users(sources: readonly SourceFile[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { path, text } of sources) {
    for (const [, target = ""] of text.matchAll(/(?:from|import\() ?"(\.\.?\/[^"]+)"/g)) {
      const used = new URL(target, `file:///${path}`).pathname.slice(1);
      found.set(used, [...found.get(used) ?? [], path]);
    }
  }
  return found;
}

/**
 * The mirror of the file first, then what imports it, then the tests of the
 * modules that use it, and of its folder.
 */
function nearest(path: string, imports: ReadonlyMap<string, string[]>, all: readonly string[]): string[] {
  const mirror = `tests/${path.replace(/\.ts$/, "_test.ts")}`;
  const folder = `tests/${path.slice(0, path.lastIndexOf("/") + 1)}`;
  const room = `tests/${path.split("/")[0]}/`;
  const word = path.split("/").at(-1)?.replace(".ts", "") ?? "";
  const ranked = [
    ...all.filter((file) => file === mirror),
    ...imports.get(path) ?? [],
    ...(usedBy.get(path) ?? []).map((user) => `tests/${user.replace(/\.ts$/, "_test.ts")}`)
      .filter((file) => all.includes(file)),
    ...all.filter((file) => file.includes(word)),
    ...all.filter((file) => file.startsWith(folder)),
    ...all.filter((file) => file.startsWith(room)),
  ];
  return [...new Set(ranked)].slice(0, MAX_NEAREST);
}

/** Runs tests in a copy; whether they pass, fail or hang. */
async function run(folder: string, tests: readonly string[], timeoutMs: number): Promise<Verdict> {
  const child = new Deno.Command("timeout", {
    args: [
      ...[
        "--kill-after=5",
        `${timeoutMs / 1_000}`,
        Deno.execPath(),
        "test",
        "--no-check",
        "--allow-all",
        "--fail-fast",
      ],
      ...["--lock=tests/deno.lock", "--sanitize-ops", "--sanitize-resources", "--quiet", ...tests],
    ],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const { code } = await child.output();
  return code === 0 ? "survived" : code === 124 || code === 137 ? "hung" : "noticed";
}

async function copyTree(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "parley-mutate-" });
  const names = ["src", "tests", "scripts", "deno.json", "deno.lock", "README.md"];
  const paths = names.map((name) => new URL(name, ROOT).pathname);
  const { code } = await new Deno.Command("cp", { args: ["-r", ...paths, folder] }).output();
  if (code !== 0) throw new Error(`Cannot copy the tree: cp exited with ${code}`);
  return folder;
}

async function tryMutant(
  folder: string,
  mutant: Mutant,
  near: readonly string[],
  isFull: boolean,
): Promise<Verdict> {
  const file = `${folder}/src/${mutant.path}`;
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.slice(0, mutant.from) + mutant.after + text.slice(mutant.to));
  try {
    const verdict = near.length === 0 ? "untested" : await run(folder, near, NEAREST_MS);
    if (!isFull || verdict === "noticed" || verdict === "hung") return verdict;
    return await run(folder, ["--parallel", ...SUITE], FULL_MS);
  } finally {
    await Deno.writeTextFile(file, text);
  }
}

const SUITE = ["--ignore=tests/abuse,tests/autobahn,tests/browser,tests/cluster,tests/probes,tests/smoke", "tests"];

function report(results: readonly Result[]): string {
  const rooms = [...new Set(results.map(({ mutant }) => mutant.path.split("/")[0] ?? ""))].sort();
  const row = (name: string, some: readonly Result[]) => {
    const count = (verdict: Verdict) => some.filter((result) => result.verdict === verdict).length;
    const share = Math.round(100 * count("noticed") / Math.max(1, some.length));
    const cells = [
      name,
      some.length,
      count("noticed"),
      count("hung"),
      count("survived"),
      count("untested"),
      `${share}%`,
    ];
    return `| ${cells.join(" | ")} |`;
  };
  const missed = results.filter(({ verdict }) => verdict !== "noticed");
  return [
    "| folder | faults | noticed | hung | survived | no test near | by assertion |",
    "| --- | --- | --- | --- | --- | --- | --- |",
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

const rooms = flags.rooms.split(",");
const files = (await sourceFiles()).filter(({ path }) => rooms.some((room) => path.startsWith(`${room}/`)));
const all = files.filter(({ path }) => path.endsWith(".ts") && !path.includes("/page/"))
  .flatMap(({ path, text }) => mutantsOf(path, text));
const random = seededRandom(flags.seed);
const chosen = all.map((mutant) => ({ mutant, key: random() })).sort((a, b) => a.key - b.key)
  .slice(0, flags.sample).map(({ mutant }) => mutant);
const imports = await importers();
const usedBy = users(files);
const tests = await testFiles("tests/");
const results: Result[] = [];
console.log(`${chosen.length} of ${all.length} faults, seed ${flags.seed}`);
const queue = [...chosen];
await Promise.all(Array.from({ length: flags.jobs }, async () => {
  const folder = await copyTree();
  try {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await tryMutant(folder, mutant, nearest(mutant.path, imports, tests), flags.full);
      results.push({ mutant, verdict });
      const where = `src/${mutant.path}:${mutant.line}`;
      console.log(`${results.length}/${chosen.length} ${verdict} ${where} ${mutant.operator}: ${short(mutant.before)}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}));
const text = report(results);
console.log(text);
if (flags.out !== undefined) await Deno.writeTextFile(flags.out, text);
