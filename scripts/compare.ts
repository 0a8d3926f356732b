/**
 * Runs the same trials with Parley, ncat, socat, websocat and wait4x, and with the relays of Parley, socat and HAProxy,
 * and prints tables: every cell is the outcome of a command.
 *
 * If `dist/` has a compiled `parley-client`, its size and start time are reported too.
 *
 * `deno task compare [--commands]`; with `--commands` each command is printed
 * with its outcome on standard error.
 *
 * @module
 */

import { startPeers } from "./compare/peers.ts";
import { commandOf, run } from "./compare/run.ts";
import { relayRows, RELAYS } from "./compare/relay_trials.ts";
import { type ServerTrial, serverTrials } from "./compare/server_trials.ts";
import { clientTrials, type Tool, TOOLS, type Trial } from "./compare/trials.ts";
import { findTool } from "../tests/support/tools.ts";
import { startUpMs } from "./release/start_up.ts";
import { VERSION } from "../src/cli/version.ts";
import { taskFlags } from "./task_flags.ts";

const VERSION_FLAG: Partial<Record<Tool, string>> = { socat: "-V" };
const NOT_ITS_TRADE = "–";
const { commands: showsCommands } = taskFlags({
  task: "compare",
  summary: "try Parley and its peers side by side and print a table",
  flags: { commands: { type: "boolean", help: "print each command with its outcome on standard error" } },
});

function note(words: readonly string[], outcome: string): void {
  if (showsCommands) console.error(`$ ${words.map(quote).join(" ")}\n  ${outcome}`);
}

function quote(word: string): string {
  return /^[\w./:=,@-]+$/.test(word) ? word : `'${word}'`;
}

async function clientCell(trial: Trial, tool: Tool): Promise<string> {
  const tries = trial.tries[tool];
  if (tries === undefined) return NOT_ITS_TRADE;
  const parts: string[] = [];
  for (const each of tries) {
    if (commandOf(each.words[0] ?? "") === undefined) return "not tried";
    const said = each.say(await run(each.words, each));
    note(each.words, said);
    parts.push(`${each.label ?? ""}${said}`);
  }
  return parts.join("; ");
}

async function serverCell(trial: ServerTrial, tool: Tool): Promise<string> {
  const words = trial.words[tool];
  if (words === undefined) return NOT_ITS_TRADE;
  if (commandOf(words[0] ?? "") === undefined) return "not tried";
  const said = await trial.ask(words);
  note(words, said);
  return said;
}

async function versionOf(tool: Tool): Promise<string> {
  if (tool === "parley") return `Parley ${VERSION}`;
  if (commandOf(tool) === undefined) return `${tool} (missing)`;
  const { stdout, stderr } = await run([tool, VERSION_FLAG[tool] ?? "--version"]);
  const version = /(?:[Vv]ersion |websocat )v?(\d[\d.]*)/.exec(stdout + stderr)?.[1];
  return `${tool} ${version}`;
}

/** The compiled `parley-client`, or a tool on the path. */
function fileOf(tool: Tool): string | undefined {
  const ours = decodeURIComponent(new URL("../dist/parley-client", import.meta.url).pathname);
  return findTool(tool === "parley" ? ours : tool);
}

async function sizeCell(tool: Tool): Promise<string> {
  const path = fileOf(tool);
  return path === undefined ? "not tried" : `${(Math.ceil((await Deno.stat(path)).size / 1e5) / 10).toFixed(1)} MB`;
}

async function startCell(tool: Tool): Promise<string> {
  const path = fileOf(tool);
  return path === undefined
    ? "not tried"
    : `${Math.ceil(await startUpMs(path, [VERSION_FLAG[tool] ?? "--version"]))} ms`;
}

async function row(cell: (tool: Tool) => Promise<string>): Promise<string[]> {
  const cells: string[] = [];
  for (const tool of TOOLS) cells.push(await cell(tool));
  return cells;
}

await using peers = await startPeers();
const header = await row(versionOf);
console.log(`| | ${header.join(" | ")} |\n|${" --- |".repeat(header.length + 1)}`);
for (const trial of clientTrials(peers)) {
  console.log(`| ${trial.question} | ${(await row((tool) => clientCell(trial, tool))).join(" | ")} |`);
}
for (const trial of serverTrials()) {
  console.log(`| ${trial.question} | ${(await row((tool) => serverCell(trial, tool))).join(" | ")} |`);
}
console.log(`| size of the program, without system libraries | ${(await row(sizeCell)).join(" | ")} |`);
console.log(`| time to start and print the version | ${(await row(startCell)).join(" | ")} |`);

console.log(`\n| relay | ${RELAYS.join(" | ")} |\n|${" --- |".repeat(RELAYS.length + 1)}`);
for (const cells of await relayRows(peers)) console.log(`| ${cells.join(" | ")} |`);
