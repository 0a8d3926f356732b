/**
 * Mixed traffic and abuse against two running servers: fails on a lost or wrong byte, a leaked connection or file
 * descriptor, growing memory, or an exit code other than 0.
 *
 * `deno task soak --seconds 60`
 *
 * @module
 */

import { delay } from "../src/net/wait.ts";
import { messageOf } from "../src/base/errors.ts";
import { openFiles, residentBytes } from "../tests/abuse/support.ts";
import { startServer } from "../tests/support/program.ts";
import { sightOf, untilSight } from "../tests/support/sight.ts";
import { badClient } from "./soak/bad_clients.ts";
import { chatRoom, echoClient, emptyTally } from "./soak/good_clients.ts";
import { taskFlags } from "./task_flags.ts";

/** Garbage that V8 may keep; see `tests/abuse/support.ts`. */
const MEMORY_BOUND_BYTES = 256 * 1024 * 1024;
const ECHO_CLIENTS = 8;
const ROOMS = 3;
const BAD_CLIENTS = 6;

interface SoakTarget {
  readonly name: "echo" | "chat";
  readonly args: readonly string[];
  readonly traffic: (endpoint: string, signal: AbortSignal) => { tally: object; running: Promise<unknown>[] };
}

const TARGETS: readonly SoakTarget[] = [
  {
    name: "echo",
    args: ["echo", "--write-timeout", "2s"],
    traffic(endpoint, signal) {
      const tally = emptyTally();
      return { tally, running: Array.from({ length: ECHO_CLIENTS }, () => echoClient(endpoint, tally, signal)) };
    },
  },
  {
    name: "chat",
    args: ["chat", "--write-timeout", "2s"],
    traffic(endpoint, signal) {
      const tally = emptyTally();
      const rooms = Array.from({ length: ROOMS }, (_, index) => `room${index}`);
      return { tally, running: rooms.map((room) => chatRoom(endpoint, room, tally, signal)) };
    },
  },
];

async function soak({ name, args, traffic }: SoakTarget, seconds: number): Promise<object> {
  await using started = await startServer([...args, "tcp://127.0.0.1:0", "--metrics", ":0", "--log-level", "off"]);
  const { server, endpoint } = started;
  const metrics = await server.line();
  await untilSight(metrics, ({ open }) => open === 0);
  const start = { files: openFiles(server.pid), memory: residentBytes(server.pid) };
  const end = new AbortController();
  const { tally, running } = traffic(endpoint, end.signal);
  const bad = Array.from({ length: BAD_CLIENTS }, (_, index) => badClient(endpoint, index, end.signal));
  const failed = Promise.all([...running, ...bad]).then(() => new Promise<never>(() => {}));
  try {
    await Promise.race([delay(seconds * 1_000), failed]);
    end.abort();
    await Promise.all(running);
  } catch (error) {
    end.abort();
    const { closedByReason, recentlyClosed } = await sightOf(metrics);
    const last = recentlyClosed.slice(0, 5).map(({ reason, error }) =>
      error === undefined ? reason : `${reason}: ${error}`
    );
    throw new Error(
      `${name}: ${messageOf(error)}; closed: ${JSON.stringify(closedByReason)}, the last: ${last.join(", ")}`,
    );
  }
  const abused = (await Promise.all(bad)).reduce((sum, count) => sum + count, 0);
  const { accepted, closedByReason, recentlyClosed } = await untilSight(metrics, ({ open }) => open === 0);
  const fault = recentlyClosed.find(({ reason }) => reason === "error");
  if (fault) throw new Error(`${name}: a connection ended with an internal error: ${fault.error}`);
  await untilAtMost(`${name}: open files`, () => openFiles(server.pid), start.files);
  await untilAtMost(`${name}: memory`, () => residentBytes(server.pid), start.memory + MEMORY_BOUND_BYTES);
  const files = openFiles(server.pid);
  const memory = residentBytes(server.pid);
  server.kill("SIGTERM");
  const { code } = await server.outcome();
  if (code !== 0) throw new Error(`${name} ended with code ${code}`);
  return {
    service: name,
    ...tally,
    abused,
    accepted,
    closedByReason,
    openFiles: { start: start.files, end: files },
    memoryMiB: { start: Math.round(start.memory / 2 ** 20), end: Math.round(memory / 2 ** 20) },
  };
}

async function untilAtMost(what: string, now: () => number, max: number): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (now() > max) {
    if (performance.now() > endMs) throw new Error(`${what}: ${now()} are left, ${max} are accepted`);
    await delay(100);
  }
}

const { seconds } = taskFlags({
  task: "soak",
  summary: "run mixed traffic and abuse; fail on any leak or lost byte",
  flags: { seconds: { type: "integer", default: 60, min: 1, help: "duration" } },
});
const reports = await Promise.allSettled(TARGETS.map((target) => soak(target, seconds)));
for (const report of reports) {
  console.log(
    report.status === "fulfilled"
      ? JSON.stringify({ ok: true, ...report.value })
      : JSON.stringify({ ok: false, error: messageOf(report.reason) }),
  );
}
Deno.exit(reports.every(({ status }) => status === "fulfilled") ? 0 : 1);
