import { V8_FLAGS } from "../v8_flags.ts";
import { C_EPOLL, type Contender } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import { type Sample, sizeText, type Work } from "./work.ts";

/** Compares load generators: each has its own instance of the same server, in C with epoll. */
const OURS: Contender = { ...C_EPOLL, name: "parley-client bench", role: "ours" };
const BARE_LOAD: Contender = { ...C_EPOLL, name: "bare Deno load" };
const C_LOAD: Contender = { ...C_EPOLL, name: "C load" };

function clientWork(connections: number, size: number, depth: number): Work {
  const shape = { connections: String(connections), size: String(size), depth: String(depth) };
  const echoLoad = ["127.0.0.1", "PORT", shape.connections, shape.size, shape.depth, "SECONDS"];
  return {
    id: `client-${connections}x${size}x${depth}`,
    title: `load of a client, ${connections} x ${sizeText(size)}, ${depth} in flight`,
    unit: "messages/s",
    better: "more",
    how: {
      words: (contender) => {
        if (contender === C_LOAD) return ["echo_load", ...echoLoad];
        const denoRun = [Deno.execPath(), "run", V8_FLAGS, "-N"];
        if (contender === BARE_LOAD) return [...denoRun, sourcePath("peers/deno_load.ts"), ...echoLoad];
        return [
          ...[...denoRun, sourcePath("../../src/client.ts"), "bench", "127.0.0.1:PORT", "--json"],
          ...["-c", shape.connections, "--size", shape.size, "--depth", shape.depth],
          ...["--duration", "SECONDSs", "--warmup", "200ms"],
        ];
      },
      answers: "tcp",
      isCompared: true,
      parse: (printed) => printed.startsWith("{") ? parseReport(JSON.parse(printed)) : undefined,
    },
    contenders: [OURS, BARE_LOAD, C_LOAD],
    reference: C_LOAD.name,
    isQuick: false,
  };
}

function parseReport(report: { rate: number; latencyMs: { p99: number } }): Sample {
  return { rate: report.rate, p99us: report.latencyMs.p99 * 1_000 };
}

/** The load that a client generates with one core. */
export const CLIENT_WORKS: readonly Work[] = [clientWork(50, 64, 1), clientWork(50, 64, 32)];
