/**
 * How cost grows: memory and latency over idle connections, the delivery of a chat message over members, and the works
 * of `growth_works.ts`.
 *
 * @module
 */

import { C_EPOLL, NODE_NET, ours } from "./contenders.ts";
import { growthOfBans, growthOfHistory, growthOfProbes, growthOfRooms, growthOfRules } from "./growth_works.ts";
import { plots } from "./plot.ts";
import type { Prepared } from "./prepare.ts";
import { hold, pinned, residentKib, run, RunningContender } from "./process.ts";

/** One measured point; `y` in the unit of its series. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One line of a plot. */
interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** One plot; both axes start at zero, so that linear growth is visible as such. */
export interface Growth {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const OF_CONNECTIONS = "memory over idle connections";
const CONNECTIONS = [10, 1_000, 2_000, 5_000, 10_000, 18_000];
const MEMBERS = [10, 100, 200, 500, 1_000, 2_000, 5_000];
const SERVER = ours("parley", (port) => ["echo", `:${port}`, "--max-connections", "19000"]);
const CHAT = ours("parley", (port) => ["chat", `:${port}`, "--max-connections", "19000"]);

/** Memory of the server, and the echo of one more client, over idle connections. */
async function growthOfConnections(prepared: Prepared): Promise<Growth[]> {
  const memory: Series[] = [];
  const latency: Series[] = [];
  for (const contender of [SERVER, C_EPOLL, NODE_NET]) {
    if ((await prepared.missing(contender)).length > 0) continue;
    const memoryPoints: Point[] = [];
    const latencyPoints: Point[] = [];
    for (const count of CONNECTIONS) {
      const setup = { canPin: prepared.canPin, answers: "tcp" as const };
      await using server = await RunningContender.start(contender, prepared.tools, setup);
      const before = await residentKib(server.pid);
      await using _held = await hold(server.port, count, prepared);
      memoryPoints.push({ x: count, y: (await residentKib(server.pid) - before) / 1024 });
      latencyPoints.push({ x: count, y: await echoLatencyUs(server.port, prepared) });
    }
    memory.push({ name: contender.name, points: memoryPoints });
    latency.push({ name: contender.name, points: latencyPoints });
  }
  const xLabel = "idle connections";
  return [
    { title: OF_CONNECTIONS, xLabel, yLabel: "MiB more than without", series: memory },
    { title: "echo of one more client, 64 B, median", xLabel, yLabel: "us", series: latency },
  ];
}

/** Time until every member has received a message, over members of one room. */
async function growthOfMembers(prepared: Prepared): Promise<Growth> {
  const points: Point[] = [];
  for (const members of MEMBERS) {
    const setup = { canPin: prepared.canPin, answers: "tcp" as const };
    await using server = await RunningContender.start(CHAT, prepared.tools, setup);
    const fill = "x".repeat(60);
    const words = [
      ...[prepared.tools.built("fanout_load"), String(server.port), String(members), "1", "2"],
      ...["/nick u%d\\n", `|${fill}\\n`, String(settleMs(members)), "|"],
    ];
    const printed = await run(pinned(words, 1, prepared.canPin));
    points.push({ x: members, y: Number(/p50=([\d.]+)us/.exec(printed)?.[1] ?? Number.NaN) / 1_000 });
  }
  const series = [{ name: "parley", points }];
  return { title: "one message to a whole room, median", xLabel: "members", yLabel: "ms", series };
}

/** Bytes per idle connection at the largest measured number of connections. */
function bytesPerConnection(memory: Growth, name: string): number | undefined {
  const last = memory.series.find((series) => series.name === name)?.points.at(-1);
  return last && last.y * 1024 * 1024 / last.x;
}

/** Joins are announced in batches, so a large room is quiet only after a few seconds. */
function settleMs(members: number): number {
  return 1_000 + 2 * members;
}

async function echoLatencyUs(port: number, prepared: Prepared): Promise<number> {
  const words = [prepared.tools.built("echo_load"), "127.0.0.1", String(port), "1", "64", "1", "1"];
  const printed = await run(pinned(words, 1, prepared.canPin));
  return Number(/p50=([\d.]+)us/.exec(printed)?.[1] ?? Number.NaN);
}

/** Measures, plots and prints all series whose name contains one of the texts. */
export async function writeGrowth(prepared: Prepared, path: string, only: readonly string[]): Promise<void> {
  const measures = {
    connections: growthOfConnections,
    members: async () => [await growthOfMembers(prepared)],
    rooms: growthOfRooms,
    history: growthOfHistory,
    bans: growthOfBans,
    probes: growthOfProbes,
    rules: growthOfRules,
  };
  const growths: Growth[] = [];
  for (const [name, measure] of Object.entries(measures)) {
    if (!only.some((text) => name.includes(text))) continue;
    const measured = await measure(prepared);
    growths.push(...measured);
    for (const { title, xLabel, yLabel, series } of measured) {
      console.log(`${title} (${yLabel})`);
      for (const { name, points } of series) {
        console.log(`  ${name}: ${points.map(({ x, y }) => `${x} ${xLabel}: ${y.toFixed(2)}`).join(", ")}`);
      }
    }
  }
  for (const growth of growths.filter(({ title }) => title === OF_CONNECTIONS)) {
    for (const { name } of growth.series) {
      console.log(`${name}: ${bytesPerConnection(growth, name)?.toFixed(0)} bytes an idle connection`);
    }
  }
  await Deno.writeTextFile(path, plots(growths));
  console.log(`written: ${path}`);
}
