/**
 * `deno task bench`: measures Parley beside its peers on this machine.
 *
 * Results go to `dist/bench/`, the ratios that `--gate` compares with are in
 * `scripts/bench/baseline.json`; `--help` lists the flags.
 *
 * @module
 */

import type { FlagTable } from "../src/base/flag_spec.ts";
import { runGate } from "./bench/run_gate.ts";
import { ratios } from "./bench/gate.ts";
import { writeGrowth } from "./bench/growth.ts";
import { NATS } from "./bench/contenders.ts";
import { measure, type WorkResult } from "./bench/measure.ts";
import { sourcePath } from "./bench/paths.ts";
import { prepare } from "./bench/prepare.ts";
import { profileLine } from "./bench/profile.ts";
import { markdown, svg, table } from "./bench/report.ts";
import { writeReadme } from "./bench/readme.ts";
import { WORKS } from "./bench/works.ts";
import { taskFlags } from "./task_flags.ts";

const OUT = sourcePath("../../dist/bench");
const BASELINE = sourcePath("baseline.json");
const QUICK = { rounds: 3, seconds: 0.4 };
/** More and shorter rounds: their ratios are compared, and a busy moment then spoils but one. */
const GATE = { rounds: 5, seconds: 0.4 };
const FULL = { rounds: 3, seconds: 3 };

const FLAGS = {
  list: { type: "boolean", help: "list the names of the works and end" },
  only: { type: "text", help: "works whose name holds one of the texts, such as ws,tls" },
  quick: { type: "boolean", help: "the most telling works, in about a minute" },
  rounds: { type: "integer", min: 1, help: "rounds, of which the median counts" },
  seconds: { type: "text", placeholder: "N", help: "seconds of one contender in one round, such as 0.4" },
  growth: { type: "boolean", help: "plot how memory, latency and a chat round grow instead" },
  profile: { type: "boolean", help: "tell where the time of our server goes instead" },
  gate: { type: "boolean", help: "fail where a ratio has fallen under the kept ones" },
  keep: { type: "boolean", help: "keep the ratios of this run for the gate" },
  markdown: { type: "boolean", help: "print the table as Markdown too" },
  readme: { type: "boolean", help: "put the table into scripts/bench/README.md" },
} as const satisfies FlagTable;

const flags = taskFlags({ task: "bench", summary: "measure Parley beside its peers on this machine", flags: FLAGS });
const isGate = flags.gate || flags.keep;
const isQuick = flags.quick || isGate;
const only = flags.only?.split(",") ?? [""];
// A gate compares with nothing that runs on several threads: on one core that others use, it says little.
const works = WORKS.filter(({ id, isQuick: isInQuick, reference }) =>
  only.some((text) => id.includes(text)) && (!isQuick || isInQuick) && (!isGate || reference !== NATS.name)
).map((work) => isQuick ? { ...work, contenders: work.contenders.filter(({ isLeisurely }) => !isLeisurely) } : work);
const usual = isGate ? GATE : isQuick ? QUICK : FULL;
const options = { rounds: flags.rounds ?? usual.rounds, seconds: Number(flags.seconds ?? usual.seconds) };
if (!(options.seconds > 0 && options.seconds <= 60)) {
  console.error(`bench: --seconds takes a number up to 60, not "${flags.seconds}"`);
  Deno.exit(2);
}
if (works.length === 0) {
  console.error(`bench: no work's name holds "${flags.only}"; the names are ${WORKS.map(({ id }) => id).join(", ")}`);
  Deno.exit(2);
}
if (flags.list) {
  for (const { id } of works) console.log(id);
  Deno.exit(0);
}

await using prepared = await prepare();
const where = prepared.canPin ? "server on core 0, load on core 1" : "cores not pinned";
console.log(`${options.rounds} rounds of ${options.seconds} s each; ${where}\n`);
await Deno.mkdir(OUT, { recursive: true });
if (flags.growth) {
  await writeGrowth(prepared, `${OUT}/growth.svg`);
} else if (flags.gate) {
  const kept = JSON.parse(await Deno.readTextFile(BASELINE));
  if (!await runGate(works, kept, prepared, options)) Deno.exitCode = 1;
} else if (flags.profile) {
  for (const work of works) {
    const line = await profileLine(work, prepared, options.seconds);
    if (line !== undefined) console.log(line);
  }
} else {
  await measureAll();
}

async function measureAll(): Promise<void> {
  const results: WorkResult[] = [];
  for (const work of works) {
    const result = await measure(work, prepared, options);
    results.push(result);
    console.log(table(result));
  }
  const machine = {
    os: Deno.build.os,
    arch: Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
  };
  const report = { at: new Date(), machine, options, results };
  await Deno.writeTextFile(`${OUT}/bench.json`, `${JSON.stringify(report, null, 2)}\n`);
  await Deno.writeTextFile(`${OUT}/bench.svg`, svg(results));
  await Deno.writeTextFile(`${OUT}/bench.md`, markdown(results));
  console.log("written: dist/bench/bench.json, bench.svg and bench.md");
  if (flags.markdown) console.log(`\n${markdown(results)}`);
  if (flags.readme) await writeReadme(markdown(results));
  if (flags.keep) await Deno.writeTextFile(BASELINE, `${JSON.stringify(ratios(results), null, 2)}\n`);
}
