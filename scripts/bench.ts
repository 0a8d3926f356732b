/**
 * `deno task bench`: measures Parley and its peers on this machine.
 *
 * Results go to `dist/bench/`; `--help` lists the flags.
 *
 * @module
 */

import type { FlagTable } from "../src/base/flag_spec.ts";
import { explain, type Explained, goalTables } from "./bench/goals.ts";
import { runGate } from "./bench/run_gate.ts";
import { connectionsGrowth, connectionsTable, measureConnections, missedBound } from "./bench/connections.ts";
import { writeGrowth } from "./bench/growth.ts";
import { measure, type WorkResult } from "./bench/measure.ts";
import { sourcePath } from "./bench/paths.ts";
import { plots } from "./bench/plot.ts";
import { prepare } from "./bench/prepare.ts";
import { profileLine } from "./bench/profile.ts";
import { ratioSvg, ratioTable, writeReadme } from "./bench/ratio_table.ts";
import { table } from "./bench/report.ts";
import { WORKS } from "./bench/works.ts";
import { taskFlags } from "./task_flags.ts";

const OUT = sourcePath("../../dist/bench");
const QUICK = { rounds: 3, seconds: 0.4 };
/** More and shorter rounds, because ratios are compared, and a busy moment then affects only one of them. */
const GATE = { rounds: 5, seconds: 0.4 };
const FULL = { rounds: 3, seconds: 3 };

const FLAGS = {
  list: { type: "boolean", help: "list the names of the works and exit" },
  only: { type: "text", help: "run works whose name contains one of the texts, such as ws,tls" },
  quick: { type: "boolean", help: "run only the most significant works, in about a minute" },
  rounds: { type: "integer", min: 1, help: "number of rounds; the median is reported" },
  seconds: { type: "text", placeholder: "N", help: "seconds per contender and round, such as 0.4" },
  growth: { type: "boolean", help: "plot how memory and latency grow instead; --only takes rooms, bans and so on" },
  connections: { type: "integer", min: 10, help: "hold N connections instead; exit 1 above 8 KiB for each" },
  onePort: { type: "boolean", help: "with --connections: all server processes share one port" },
  profile: { type: "boolean", help: "report where the server's CPU time goes instead" },
  gate: { type: "boolean", help: "fail if a ratio to a peer in the same run is below the minimum of its work" },
  markdown: { type: "boolean", help: "print the table as Markdown too" },
  readme: { type: "boolean", help: "write table and chart to scripts/bench/README.md" },
} as const satisfies FlagTable;

const flags = taskFlags({ task: "bench", summary: "measure Parley next to its peers on this machine", flags: FLAGS });
const only = flags.only?.split(",") ?? [""];
const works = WORKS.filter(({ id, isQuick, minRatio }) =>
  only.some((text) => id.includes(text)) && (!flags.quick || isQuick) && (!flags.gate || minRatio !== undefined)
).map((work) => flags.quick ? { ...work, contenders: work.contenders.filter(({ isSlow }) => !isSlow) } : work);
const usual = flags.gate ? GATE : flags.quick ? QUICK : FULL;
const options = { rounds: flags.rounds ?? usual.rounds, seconds: Number(flags.seconds ?? usual.seconds) };
if (!(options.seconds > 0 && options.seconds <= 60)) {
  console.error(`bench: --seconds must be a number up to 60, not "${flags.seconds}"`);
  Deno.exit(2);
}
if (works.length === 0 && !flags.growth) {
  console.error(`bench: no work matches "${flags.only}"; the names are ${WORKS.map(({ id }) => id).join(", ")}`);
  Deno.exit(2);
}
if (flags.list) {
  for (const { id } of works) console.log(id);
  Deno.exit(0);
}

await using prepared = await prepare();
await Deno.mkdir(OUT, { recursive: true });
if (flags.connections !== undefined) {
  await holdConnections(flags.connections);
} else if (flags.growth) {
  await writeGrowth(prepared, `${OUT}/growth.svg`, only);
} else if (flags.gate) {
  if (!await runGate(works, prepared, options)) Deno.exitCode = 1;
} else if (flags.profile) {
  for (const work of works) {
    const line = await profileLine(work, prepared, options.seconds);
    if (line !== undefined) console.log(line);
  }
} else {
  await measureAll();
}

async function measureAll(): Promise<void> {
  const where = prepared.canPin ? "server on core 0, load on core 1" : "cores not pinned";
  console.log(`${options.rounds} rounds of ${options.seconds} s each; ${where}\n`);
  const results: WorkResult[] = [];
  const explained: Explained[] = [];
  for (const work of works) {
    const result = await measure(work, prepared, options);
    results.push(result);
    console.log(table(result));
    const missed = await explain(work, result, prepared, options.seconds);
    if (missed !== undefined) explained.push(missed);
  }
  const tables = explained.length === 0 ? ratioTable(results) : `${ratioTable(results)}
Goals that this run misses, and where the processor time of these works goes:

${goalTables(explained)}`;
  const machine = {
    os: Deno.build.os,
    arch: Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
  };
  const report = { at: new Date(), machine, options, results, missedGoals: explained.flatMap(({ missed }) => missed) };
  await Deno.writeTextFile(`${OUT}/bench.json`, `${JSON.stringify(report, null, 2)}\n`);
  await Deno.writeTextFile(`${OUT}/bench.svg`, ratioSvg(results));
  await Deno.writeTextFile(`${OUT}/bench.md`, tables);
  console.log("written: dist/bench/bench.json, bench.svg and bench.md");
  if (flags.markdown) console.log(`\n${tables}`);
  if (flags.readme) await writeReadme(results, tables, options);
}

async function holdConnections(count: number): Promise<void> {
  const measured = await measureConnections(count, { isOnePort: flags.onePort }, prepared);
  console.log(connectionsTable(measured));
  await Deno.writeTextFile(`${OUT}/connections.svg`, plots(connectionsGrowth(measured)));
  console.log("written: dist/bench/connections.svg");
  const missed = missedBound(measured);
  if (missed === undefined) return;
  console.error(`bench: ${missed}`);
  Deno.exitCode = 1;
}
