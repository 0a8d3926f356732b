import { run } from "./run.ts";

const RUNS = 5;

/** Median run time of a program with `--version` or other arguments, in milliseconds. */
export async function startUpMs(path: string, words: readonly string[] = ["--version"]): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < RUNS; turn++) {
    const startedMs = performance.now();
    await run(path, words);
    times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
}
