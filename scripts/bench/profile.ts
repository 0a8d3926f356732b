/**
 * Where the CPU time of a server goes: Parley's JavaScript, packages, the runtime's JavaScript, native code and the
 * kernel, or garbage collection.
 *
 * @module
 */

import type { Contender } from "./contenders.ts";
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
export type Owner = "ours" | "packages" | "runtime" | "native" | "garbage";

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

/** One line for a work: the split of our server under its load, and the kernel's share of its processor time. */
export async function profileLine(work: Work, prepared: Prepared, seconds: number): Promise<string | undefined> {
  const contender = work.contenders[0];
  if (contender === undefined || !("words" in work.how)) return undefined;
  const missing = await prepared.missing(contender);
  if (missing.length > 0) return `${work.title}: missing ${missing.join(", ")}`;
  const folder = await Deno.makeTempDir({ dir: prepared.tools.scratch });
  const setup = { canPin: prepared.canPin, answers: work.how.answers };
  await using server = await RunningContender.start(profiled(contender, folder), prepared.tools, setup);
  const before = await server.cpu();
  await run(pinned(loadWords(work.how, server, prepared, seconds), 1, prepared.canPin));
  const after = await server.cpu();
  await server.end();
  const [file] = await Array.fromAsync(Deno.readDir(folder));
  if (file === undefined) return `${work.title}: no profile was written`;
  const split = splitOf(JSON.parse(await Deno.readTextFile(`${folder}/${file.name}`)), seconds * 0.9e6);
  const kernel = before && after ? `; ${percent(cpuBetween(before, after).kernelPart)} of all in the kernel` : "";
  return `${work.title}: ${lineOf(split)}${kernel}`;
}

function lineOf({ ours, packages, runtime, native, garbage }: Split): string {
  return `our JavaScript ${percent(ours)}, packages ${percent(packages)}, runtime's JavaScript ${percent(runtime)}, ` +
    `runtime's native code and kernel ${percent(native)}, garbage ${percent(garbage)}`;
}

/** `66%` */
export function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}

function profiled(contender: Contender, folder: string): Contender {
  return {
    ...contender,
    command: (port, tools) => {
      const [program = "", runWord = "", ...rest] = contender.command(port, tools);
      return [program, runWord, "--cpu-prof", `--cpu-prof-dir=${folder}`, ...rest];
    },
  };
}
