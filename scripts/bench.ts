/**
 * `deno task bench`: measures Parley beside its peers on this machine.
 *
 * `--quick` about a minute; `--only TEXT` works whose name holds one of the texts (`ws,tls`); `--rounds N`, `--seconds N`;
 * `--growth` plots how memory, latency and a chat round grow instead;
 * `--gate` compares with the ratios in `scripts/bench/baseline.json` and fails where one has fallen; `--keep` writes them;
 * `--profile` tells where the time of our server goes instead; `--markdown` prints the README's table; `--readme` puts it into the README.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
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

const OUT = sourcePath("../../dist/bench");
const BASELINE = sourcePath("baseline.json");
const QUICK = { rounds: 3, seconds: 0.4 };
/** More and shorter rounds: their ratios are compared, and a busy moment then spoils but one. */
const GATE = { rounds: 5, seconds: 0.4 };
const FULL = { rounds: 3, seconds: 3 };

const flags = parseArgs(Deno.args, {
  boolean: ["quick", "gate", "keep", "growth", "markdown", "readme", "profile"],
  string: ["only", "rounds", "seconds"],
});
const isGate = flags.gate === true || flags.keep === true;
const isQuick = flags.quick === true || isGate;
const only = typeof flags.only === "string" ? flags.only.split(",") : [""];
// A gate compares with nothing that runs on several threads: on one core that others use, it says little.
const works = WORKS.filter(({ id, isQuick: isInQuick, reference }) =>
  only.some((text) => id.includes(text)) && (!isQuick || isInQuick) && (!isGate || reference !== NATS.name)
).map((work) => isQuick ? { ...work, contenders: work.contenders.filter(({ isLeisurely }) => !isLeisurely) } : work);
const usual = isGate ? GATE : isQuick ? QUICK : FULL;
const options = { rounds: Number(flags.rounds ?? usual.rounds), seconds: Number(flags.seconds ?? usual.seconds) };

await using prepared = await prepare();
const where = prepared.canPin ? "server on core 0, load on core 1" : "cores not pinned";
console.log(`${options.rounds} rounds of ${options.seconds} s each; ${where}\n`);
await Deno.mkdir(OUT, { recursive: true });
if (flags.growth === true) {
  await writeGrowth(prepared, `${OUT}/growth.svg`);
} else if (flags.gate === true) {
  const kept = JSON.parse(await Deno.readTextFile(BASELINE));
  if (!await runGate(works, kept, prepared, options)) Deno.exitCode = 1;
} else if (flags.profile === true) {
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
  if (flags.markdown === true) console.log(`\n${markdown(results)}`);
  if (flags.readme === true) await writeReadme(markdown(results));
  if (flags.keep === true) await Deno.writeTextFile(BASELINE, `${JSON.stringify(ratios(results), null, 2)}\n`);
}
