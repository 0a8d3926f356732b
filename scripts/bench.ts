/**
 * `deno task bench`: measures Parley beside its peers on this machine.
 *
 * `--quick` about a minute; `--only TEXT` works whose name holds the text; `--rounds N`, `--seconds N`;
 * `--growth` plots how memory, latency and a chat round grow instead;
 * `--gate` fails when a ratio fell too far under `scripts/bench/baseline.json`; `--keep` writes that file anew.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type Baseline, ratios, regressions } from "./bench/gate.ts";
import { bytesPerConnection, growthOfConnections, growthOfMembers } from "./bench/growth.ts";
import { measure, type WorkResult } from "./bench/measure.ts";
import { sourcePath } from "./bench/paths.ts";
import { plots } from "./bench/plot.ts";
import { prepare, type Prepared } from "./bench/prepare.ts";
import { svg, table } from "./bench/report.ts";
import { WORKS } from "./bench/works.ts";

const OUT = sourcePath("../../dist/bench");
const BASELINE = sourcePath("baseline.json");

const flags = parseArgs(Deno.args, {
  boolean: ["quick", "gate", "keep", "growth"],
  string: ["only", "rounds", "seconds"],
});
const isQuick = flags.quick === true || flags.gate === true;
const only = typeof flags.only === "string" ? flags.only : "";
const works = WORKS.filter((work) => work.id.includes(only) && (!isQuick || work.isQuick));
const options = { rounds: Number(flags.rounds ?? 3), seconds: Number(flags.seconds ?? (isQuick ? 0.6 : 3)) };

await using prepared = await prepare();
console.log(
  `${options.rounds} rounds of ${options.seconds} s each; ${
    prepared.canPin ? "server on core 0, load on core 1" : "cores not pinned"
  }\n`,
);
await Deno.mkdir(OUT, { recursive: true });
if (flags.growth === true) {
  await measureGrowth(prepared);
  Deno.exit(0);
}
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
await Deno.writeTextFile(
  `${OUT}/bench.json`,
  `${JSON.stringify({ at: new Date(), machine, options, results }, null, 2)}\n`,
);
await Deno.writeTextFile(`${OUT}/bench.svg`, svg(results));
console.log("written: dist/bench/bench.json and dist/bench/bench.svg");

const measured = ratios(results);
if (flags.keep === true) await Deno.writeTextFile(BASELINE, `${JSON.stringify(measured, null, 2)}\n`);
if (flags.gate === true) {
  const kept: Baseline = JSON.parse(await Deno.readTextFile(BASELINE));
  const fallen = regressions(measured, kept, works.map(({ id }) => id));
  for (const line of fallen) console.error(`slower than kept: ${line}`);
  if (fallen.length > 0) Deno.exitCode = 1;
  else console.log("no ratio fell more than a quarter under the one that is kept");
}

async function measureGrowth(prepared: Prepared): Promise<void> {
  const connections = await growthOfConnections(prepared);
  const growths = [...connections, await growthOfMembers(prepared)];
  for (const { title, xLabel, yLabel, series } of growths) {
    console.log(`${title} (${yLabel})`);
    for (const { name, points } of series) {
      console.log(`  ${name}: ${points.map(({ x, y }) => `${x} ${xLabel}: ${y.toFixed(2)}`).join(", ")}`);
    }
  }
  for (const { name } of connections[0]?.series ?? []) {
    const bytes = connections[0] && bytesPerConnection(connections[0], name);
    console.log(`${name}: ${bytes?.toFixed(0)} bytes an idle connection`);
  }
  await Deno.writeTextFile(`${OUT}/growth.svg`, plots(growths));
  console.log("written: dist/bench/growth.svg");
}
