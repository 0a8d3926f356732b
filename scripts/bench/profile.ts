/**
 * Where the CPU time of a server goes: Parley's JavaScript, packages, the runtime's JavaScript, native code and the
 * kernel, or garbage collection.
 *
 * @module
 */

import type { Contender } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import { cpuBetween, pinned, run, RunningContender } from "./process.ts";
import { loadWords } from "./load_words.ts";
import type { Work } from "./work.ts";

/** The used part of a V8 profile. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Categories of CPU time. */
type Owner = "ours" | "packages" | "runtime" | "native" | "garbage";

/** Shares of the time that was not idle; their sum is 1. */
export type Split = Readonly<Record<Owner, number>>;

/** Splits the last `lastUs` of a profile; earlier samples belong to the start of the program. */
export function splitOf(profile: CpuProfile, lastUs: number): Split {
  const ownerOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, owner(callFrame)]));
  const split = { ours: 0, packages: 0, runtime: 0, native: 0, garbage: 0 };
  let leftUs = lastUs;
  for (let index = profile.samples.length - 1; index >= 0 && leftUs > 0; index--) {
    const us = profile.timeDeltas[index] ?? 0;
    leftUs -= us;
    const whose = ownerOf.get(profile.samples[index] ?? -1);
    if (whose !== undefined) split[whose] += us;
  }
  const busyUs = Object.values(split).reduce((sum, us) => sum + us, 0) || 1;
  const part = (whose: Owner) => split[whose] / busyUs;
  return {
    ours: part("ours"),
    packages: part("packages"),
    runtime: part("runtime"),
    native: part("native"),
    garbage: part("garbage"),
  };
}

/** The owner of a frame; `undefined` if the program was idle. */
function owner({ functionName, url }: { functionName: string; url: string }): Owner | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return "garbage";
  if (url.startsWith("ext:") || url.startsWith("node:")) return "runtime";
  if (url.includes("/registry.npmjs.org/") || url.includes("/node_modules/")) return "packages";
  // Calls into the runtime, and from there into the kernel, have a name but no file.
  return url === "" ? "native" : "ours";
}

/** Where the processor time of a program went under its load. */
export interface Profile {
  readonly split: Split;
  /** The kernel's share of all of it, if the system reports it. */
  readonly kernelPart?: number;
}

/** One line for a work: the profile of our server under its load. */
export async function profileLine(work: Work, prepared: Prepared, seconds: number): Promise<string | undefined> {
  const contender = work.contenders[0];
  if (contender === undefined || !("words" in work.how)) return undefined;
  const missing = await prepared.missing(contender);
  if (missing.length > 0) return `${work.title}: missing ${missing.join(", ")}`;
  const profile = await profileOf(work, contender, prepared, seconds);
  if (profile === undefined) return `${work.title}: no profile was written`;
  const kernel = profile.kernelPart === undefined ? "" : `; ${percent(profile.kernelPart)} of all in the kernel`;
  return `${work.title}: ${lineOf(profile.split)}${kernel}`;
}

/** Runs a contender, or the load that is compared, once more with V8's profiler; `undefined` if it is not a Deno program. */
export async function profileOf(
  { how, unit }: Work,
  contender: Contender,
  prepared: Prepared,
  seconds: number,
): Promise<Profile | undefined> {
  // Only a time says which part of a profile was measured.
  if ("sample" in how && unit !== "ms") return undefined;
  const isLoad = !("sample" in how) && how.isCompared;
  const words = isLoad ? how.words(contender) : contender.command(0, prepared.tools);
  if (!words.includes(Deno.execPath())) return undefined;
  const folder = await Deno.makeTempDir({ dir: prepared.tools.scratch });
  const preload = contender.role === "limit" ? [`--preload=${sourcePath("peers/end_on_sigterm.ts")}`] : [];
  const served = { ...contender, command: profiled(contender.command, folder, ...preload) };
  let kernelPart: number | undefined;
  let lastUs = seconds * 0.9e6;
  if ("sample" in how) {
    lastUs = (await how.sample(served, prepared)).rate * 1_000;
  } else {
    const setup = { canPin: prepared.canPin, answers: how.answers };
    await using server = await RunningContender.start(served, prepared.tools, setup);
    const load = isLoad ? { ...how, words: profiled(how.words, folder) } : how;
    const before = await server.cpu();
    await run(pinned(loadWords(load, { contender, port: server.port }, prepared, seconds), 1, prepared.canPin));
    const after = await server.cpu();
    if (before && after && !isLoad) kernelPart = cpuBetween(before, after).kernelPart;
    await server.end();
  }
  const file = (await Array.fromAsync(Deno.readDir(folder)))[0];
  if (file === undefined) return undefined;
  const split = splitOf(JSON.parse(await Deno.readTextFile(`${folder}/${file.name}`)), lastUs);
  return { split, ...(kernelPart === undefined ? {} : { kernelPart }) };
}

function lineOf({ ours, packages, runtime, native, garbage }: Split): string {
  return `our JavaScript ${percent(ours)}, packages ${percent(packages)}, runtime's JavaScript ${percent(runtime)}, ` +
    `runtime's native code and kernel ${percent(native)}, garbage ${percent(garbage)}`;
}

/** `66%` */
export function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}

/** A command line that writes a profile if it runs a program with Deno. */
function profiled<Args extends readonly unknown[]>(
  command: (...args: Args) => readonly string[],
  folder: string,
  ...more: readonly string[]
): (...args: Args) => readonly string[] {
  return (...args) => {
    const words = command(...args);
    const at = words.indexOf(Deno.execPath());
    if (at < 0) return words;
    // After "run".
    return words.toSpliced(at + 2, 0, "--cpu-prof", `--cpu-prof-dir=${folder}`, ...more);
  };
}
