import { runTests } from "./run_tests.ts";

/** The time of a test file, and the lines of `src/` that it executes, including in its child processes. */
export interface MeasuredTest {
  readonly test: string;
  readonly durationMs: number;
  /** Whether it passes on this machine without a fault. */
  readonly isPassing: boolean;
  /** By path: the file's hash at that time, and the executed lines, as in `1-5,8`. */
  readonly files: Readonly<Record<string, { readonly hash: string; readonly lines: string }>>;
}

/** A file of `src/`: its hash, and its lines. */
export interface Source {
  readonly hash: string;
  readonly lines: readonly string[];
}

const MAX_MS = 300_000;
/** Part of the name of each measurement; changes with what it holds. */
const FORMAT = "2";
const NOT_FAST = /^tests\/(?:abuse|autobahn|browser|cluster|probes|smoke|support)\//;

/** Every fast test file below a folder, relative to the root. */
export async function fastTests(root: URL, folder = "tests/"): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    if (isDirectory) files.push(...await fastTests(root, `${folder}${name}/`));
    else if (name.endsWith("_test.ts") && !NOT_FAST.test(folder)) files.push(`${folder}${name}`);
  }
  return files.sort();
}

/**
 * Measures a test file in a copy of the tree, or reads the earlier measurement of the same text from `cache`, a folder
 * outside the repository.
 */
export async function measure(
  folder: string,
  test: string,
  sources: ReadonlyMap<string, Source>,
  cache: string,
): Promise<MeasuredTest> {
  const file = `${cache}/${await hashOf(FORMAT + test + await Deno.readTextFile(`${folder}/${test}`))}.json`;
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const raw = await Deno.makeTempDir({ prefix: "parley-coverage-" });
  try {
    const startMs = performance.now();
    const options = { timeoutMs: MAX_MS, deadlineMs: MAX_MS, env: { DENO_COVERAGE_DIR: raw } };
    const outcome = await runTests(folder, [test], options);
    const durationMs = Math.round(performance.now() - startMs);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["coverage", "--lcov", `--include=^file://${folder}/src/`, raw],
      cwd: folder,
      stderr: "null",
    }).output();
    const files: Record<string, { hash: string; lines: string }> = {};
    for (const [path, lines] of executedLines(new TextDecoder().decode(stdout), `${folder}/src/`)) {
      files[path] = { hash: sources.get(path)?.hash ?? "", lines: asRanges(lines) };
    }
    const measured = { test, durationMs, isPassing: outcome === "passed", files };
    // A failing test may pass another time.
    if (!measured.isPassing) return measured;
    const part = await Deno.makeTempFile({ dir: cache });
    await Deno.writeTextFile(part, JSON.stringify(measured));
    await Deno.rename(part, file);
    return measured;
  } finally {
    await Deno.remove(raw, { recursive: true });
  }
}

/**
 * The lines of each file that an LCOV report counts as executed. A line of which a part was not counts as not executed
 * there, such as `if (a) return;` without the return; its branches tell.
 */
export function executedLines(lcov: string, root: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const record of lcov.split("end_of_record")) {
    const path = /^SF:(.*)$/m.exec(record)?.[1];
    if (path === undefined) continue;
    const lines = [...record.matchAll(/^(?:DA:(\d+),|BRDA:(\d+),\d+,\d+,)[1-9]/gm)]
      .map(([, line, ofBranch]) => Number(line ?? ofBranch));
    found.set(path.replace(root, ""), [...new Set(lines)].sort((a, b) => a - b));
  }
  return found;
}

/** Numbers in ascending order as ranges, as in `1-5,8`. */
export function asRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(",");
}

/**
 * The current sources by path, and the sources at the time of earlier measurements by hash; the current ones are cached
 * for later runs.
 */
export async function loadSources(
  files: readonly { readonly path: string; readonly text: string }[],
  cache: string,
): Promise<{ now: ReadonlyMap<string, Source>; earlier: ReadonlyMap<string, Source> }> {
  const [now, earlier] = [new Map<string, Source>(), new Map<string, Source>()];
  await Deno.mkdir(`${cache}/sources`, { recursive: true });
  for (const { path, text } of files) {
    const hash = await hashOf(text);
    now.set(path, { hash, lines: text.split("\n") });
    await Deno.writeTextFile(`${cache}/sources/${hash}`, text);
  }
  for await (const { name: hash } of Deno.readDir(`${cache}/sources`)) {
    earlier.set(hash, { hash, lines: (await Deno.readTextFile(`${cache}/sources/${hash}`)).split("\n") });
  }
  return { now, earlier };
}

/**
 * The test files that execute a line, nearest and cheapest first. If the file has changed since a test was measured,
 * the line is found by its text; a new line counts as executed.
 */
export function testsOf(
  { path, line }: { readonly path: string; readonly line: number },
  measured: readonly MeasuredTest[],
  now: Source | undefined,
  earlier: ReadonlyMap<string, Source>,
): MeasuredTest[] {
  const text = now?.lines[line - 1];
  const covers = ({ files }: MeasuredTest) => {
    const file = files[path];
    if (file === undefined) return false;
    if (file.hash === now?.hash) return isWithin(line, file.lines);
    const same = earlier.get(file.hash)?.lines.flatMap((other, at) => other === text ? [at + 1] : []) ?? [];
    return same.length === 0 || same.some((line) => isWithin(line, file.lines));
  };
  const cost = ({ test, durationMs }: MeasuredTest) => durationMs * distance(path, test);
  return measured.filter((test) => test.isPassing && covers(test)).sort((a, b) => cost(a) - cost(b));
}

function isWithin(line: number, ranges: string): boolean {
  return ranges.split(",").some((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return from <= line && line <= to;
  });
}

/** 0 for the mirror of the file, then its folder, its room, and the others. */
function distance(path: string, test: string): number {
  if (test === `tests/${path.replace(/\.ts$/, "_test.ts")}`) return 0;
  if (test.startsWith(`tests/${path.slice(0, path.lastIndexOf("/") + 1)}`)) return 1;
  return test.startsWith(`tests/${path.split("/")[0]}/`) ? 2 : 4;
}

/** A short hash of a text. */
export async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).slice(0, 12).toHex();
}
