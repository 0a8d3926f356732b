/**
 * Abuse of a running server: while it lasts, another client of the same server
 * must see nothing of it, and afterwards everything is as it was before.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { dial, writeAll } from "../support/peer.ts";
import { type RunningProgram, startServer } from "../support/program.ts";
import { type Sight, sightOf, untilSight } from "../support/sight.ts";

/**
 * Memory that abuse may leave behind: V8 collects garbage when it needs the room, not when it is idle. Most cases
 * leave less than 25 MiB; a case that leaves a larger heap says so.
 */
const MEMORY_BOUND_BYTES = 64 * 1024 * 1024;
const RECOVERY_MS = 20_000;

/** A server under abuse. */
export interface Target {
  readonly endpoint: string;
  readonly server: RunningProgram;
  /** URL of its metrics. */
  readonly metrics: string;
  /** Its current metrics. */
  sight(): Promise<Sight>;
  /** Waits until it says so. */
  until(isReached: (sight: Sight) => boolean): Promise<Sight>;
}

/** What makes one case. */
export interface AbuseCase {
  /** The server's words, without an endpoint. */
  readonly args: readonly string[];
  /** Permissions besides `-N`. */
  readonly permissions?: readonly string[];
  /**
   * Does one round trip as a well-behaved client that was there before; it
   * throws when something is wrong. By default an echo of a line.
   */
  readonly roundTrip?: (witness: Deno.TcpConn) => Promise<void>;
  /** Prepares the witness. */
  readonly greet?: (witness: Deno.TcpConn) => Promise<void>;
  /** Memory that may be left behind, where it is more than usual. */
  readonly memoryBoundBytes?: number;
  readonly abuse: (target: Target) => Promise<void>;
}

/** Runs the server with a well-behaved client during the abuse, and checks that the baseline is reached again. */
export async function withAbuse(
  { args, permissions = [], roundTrip = echoLine, greet, abuse, memoryBoundBytes = MEMORY_BOUND_BYTES }: AbuseCase,
): Promise<void> {
  await using started = await startServer([...args, "tcp://127.0.0.1:0", "--metrics", ":0", "--log-level", "error"], {
    permissions: ["-N", ...permissions],
  });
  const { endpoint, server } = started;
  const metrics = await server.line();
  using witness = await dial(endpoint);
  await greet?.(witness);
  await roundTrip(witness);
  await untilSight(metrics, ({ open }) => open === 1);
  const before = { files: openFiles(server.pid), memory: residentBytes(server.pid) };
  const target: Target = {
    endpoint,
    server,
    metrics,
    sight: () => sightOf(metrics),
    until: (isReached) => untilSight(metrics, isReached),
  };

  const end = new AbortController();
  const watching = watch(witness, roundTrip, end.signal);
  try {
    await Promise.race([abuse(target), watching.then(() => assert(false, "the witness stopped too early"))]);
  } finally {
    end.abort();
  }
  assert(await watching > 0, "the witness made no round trip");

  await untilSight(metrics, ({ open }) => open === 1);
  await until("open files", () => openFiles(server.pid), before.files);
  await until("memory", () => residentBytes(server.pid), before.memory + memoryBoundBytes);
  witness.close();
  server.kill("SIGTERM");
  assertEquals((await server.outcome()).code, 0);
}

/** The witness of the default: a line, and the same line back. */
export async function echoLine(witness: Deno.TcpConn): Promise<void> {
  const line = `witness ${crypto.randomUUID()}\n`;
  await writeAll(witness, line);
  const bytes = new Uint8Array(line.length);
  for (let have = 0; have < bytes.length;) {
    const count = await witness.read(bytes.subarray(have));
    assert(count !== null, "the server closed the witness");
    have += count;
  }
  assertEquals(new TextDecoder().decode(bytes), line);
}

/** Round trips until the signal, each within the time that a person would wait; the number of them. */
async function watch(
  witness: Deno.TcpConn,
  roundTrip: (witness: Deno.TcpConn) => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const startMs = performance.now();
    await roundTrip(witness);
    const tookMs = performance.now() - startMs;
    assert(tookMs < 5_000, `a round trip of the witness took ${tookMs} ms`);
    count++;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return count;
}

async function until(what: string, now: () => number, max: number): Promise<void> {
  const endMs = performance.now() + RECOVERY_MS;
  while (now() > max) {
    assert(performance.now() < endMs, `${what}: ${now()} are left, ${max} were there before`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Descriptors that the process has open. */
export function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Memory of the process. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes) * 1024;
}

/** Seconds of processor time that the process has used. */
export function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  // utime and stime, proc_pid_stat(5), in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
