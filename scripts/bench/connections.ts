/**
 * Many concurrent connections, in as many server processes as the limit of open files requires.
 *
 * @module
 */

import { findFreePort } from "../../src/net/find_free_port.ts";
import { type Contender, ours } from "./contenders.ts";
import type { Growth } from "./growth.ts";
import type { Prepared } from "./prepare.ts";
import { echoOnce, Holder, residentKib, run, RunningContender } from "./process.ts";
import { align } from "./report.ts";

/** Numbers of connections at which to measure. */
const STAGES = [10, 1_000, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000];

/** Descriptors of a process that are not connections. */
const OTHER_DESCRIPTORS = 1_000;

const SAMPLES = 20;
const MAX_BYTES_EACH = 8 * 1_024;
/** With fewer connections a server's own heap outweighs them. */
const BOUND_FROM = 10_000;
const DEADLINE_MS = 240_000;

/** Measurements at one number of open connections. */
export interface Stage {
  readonly connections: number;
  /** Seconds from the first connection until all were open. */
  readonly openSeconds: number;
  /** Increase of the resident memory of all servers. */
  readonly kib: number;
  /** Median time of an echo on a random connection. */
  readonly echoUs: number;
}

/** All stages, and an echo on every connection at the end. */
export interface ManyConnections {
  readonly stages: readonly Stage[];
  readonly servers: number;
  readonly allEchoedSeconds: number;
  /** Memory after that, including garbage that has not been collected yet. */
  readonly kibAtEnd: number;
}

/** Number of processes that `total` connections need, each with at most `limit` descriptors. */
export function processesFor(total: number, limit: number): number {
  return Math.max(1, Math.ceil(total / (limit - OTHER_DESCRIPTORS)));
}

/** Splits a number into parts that differ by at most one. */
export function sharesOf(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => Math.floor((total + index) / parts));
}

/**
 * Connects `total` clients to echo servers, which have separate ports or share one. Throws if a connection is refused,
 * an echo is missing, or the whole run takes longer than four minutes.
 */
export async function measureConnections(
  total: number,
  { isOnePort }: { isOnePort: boolean },
  prepared: Prepared,
): Promise<ManyConnections> {
  const limit = Number(await run(["sh", "-c", "ulimit -Hn"])) || Infinity;
  const count = processesFor(total, limit);
  await using owner = new AsyncDisposableStack();
  using timer = new DisposableStack();
  // Not pinned to a core. When a process ends, callers waiting for it fail.
  const { tools } = prepared;
  const onePort = isOnePort ? findFreePort() : undefined;
  const servers: RunningContender[] = [];
  const holders: Holder[] = [];
  for (let index = 0; index < count; index++) {
    const contender = echoServer(Math.min(total, limit - OTHER_DESCRIPTORS / 2), onePort);
    const server = owner.use(await RunningContender.start(contender, tools, { canPin: false, answers: "tcp" }));
    servers.push(server);
    const port = onePort ?? server.port;
    await echoOnce(port);
    holders.push(
      owner.use(Holder.start(port, 2 + index * Math.ceil(total / count / 10_000), { tools, canPin: false })),
    );
  }
  const timeout = setTimeout(() => void owner.disposeAsync(), DEADLINE_MS);
  timer.defer(() => clearTimeout(timeout));
  const before = await residentOf(servers);
  const stages: Stage[] = [];
  let openSeconds = 0;
  for (const connections of [...STAGES.filter((stage) => stage < total), total]) {
    const shares = sharesOf(connections, count);
    openSeconds += await secondsOf(() => Promise.all(holders.map((holder, index) => holder.open(shares[index] ?? 0))));
    const kib = await residentOf(servers) - before;
    const echoes: number[] = [];
    for (const holder of holders) echoes.push(await holder.sample(SAMPLES));
    const echoUs = echoes.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? NaN;
    stages.push({ connections, openSeconds, kib, echoUs });
  }
  const shares = sharesOf(total, count);
  const allEchoedSeconds = await secondsOf(() =>
    Promise.all(holders.map((holder, index) => holder.echo(shares[index] ?? 0)))
  );
  return { stages, servers: count, allEchoedSeconds, kibAtEnd: await residentOf(servers) - before };
}

/** With a shared port, readiness is checked on the metrics port. */
function echoServer(maxConnections: number, onePort: number | undefined): Contender {
  return ours("parley", (port) => [
    ...["echo", `:${onePort ?? port}`, "--max-connections", String(maxConnections)],
    ...(onePort === undefined ? [] : ["--reuse-port", "--metrics", `127.0.0.1:${port}`]),
  ]);
}

async function residentOf(servers: readonly RunningContender[]): Promise<number> {
  const each = await Promise.all(servers.map(({ pid }) => residentKib(pid)));
  return each.reduce((sum, kib) => sum + kib, 0);
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

/** The measurements as a table. */
export function connectionsTable({ stages, servers, allEchoedSeconds, kibAtEnd }: ManyConnections): string {
  const rows = stages.map(({ connections, openSeconds, kib, echoUs }) => [
    connections.toLocaleString("en-US"),
    `${openSeconds.toFixed(2)} s`,
    `${(kib / 1_024).toFixed(1)} MiB`,
    `${(kib * 1_024 / connections).toFixed(0)} B`,
    `${echoUs.toFixed(0)} us`,
  ]);
  const head = ["connections", "open after", "memory", "for each", "echo on one, median"];
  return `${align([head, ...rows])}\nserver processes: ${servers}; ` +
    `an echo on every connection: ${allEchoedSeconds.toFixed(2)} s, ` +
    `then ${(kibAtEnd * 1_024 / (stages.at(-1)?.connections ?? NaN)).toFixed(0)} B for each`;
}

/** The violated bounds; `undefined` if none is, or if the processes' own memory dominates the measurement. */
export function missedBound({ stages }: ManyConnections): string | undefined {
  const { connections, kib } = stages.at(-1) ?? { connections: 0, kib: 0 };
  const bytes = kib * 1_024 / connections;
  if (connections < BOUND_FROM || bytes <= MAX_BYTES_EACH) return undefined;
  return `${bytes.toFixed(0)} B for each connection, at most ${MAX_BYTES_EACH}`;
}

/** The same as plots. */
export function connectionsGrowth({ stages, servers }: ManyConnections): Growth[] {
  const name = `parley, ${servers} processes`;
  const growth = (title: string, yLabel: string, y: (stage: Stage) => number): Growth => ({
    title,
    xLabel: "connections",
    yLabel,
    series: [{ name, points: stages.map((stage) => ({ x: stage.connections, y: y(stage) })) }],
  });
  return [
    growth("memory", "MiB", ({ kib }) => kib / 1_024),
    growth("time to open them", "s", ({ openSeconds }) => openSeconds),
    growth("echo on one of them, median", "us", ({ echoUs }) => echoUs),
  ];
}
