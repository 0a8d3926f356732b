import { ByteBuilder } from "../../../base/byte_builder.ts";
import { toJsonLine } from "../../../base/bytes.ts";
import { orUsageError, UsageError } from "../../../base/errors.ts";
import type { FlagValues } from "../../../base/flag_spec.ts";
import { formatSize } from "../../../base/units.ts";
import { commonExitCode, EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { print } from "../../../cli/print.ts";
import { StatusLine } from "../../../cli/status_line.ts";
import { styleOf } from "../../../cli/style.ts";
import { parseFraming } from "../../../framing/mod.ts";
import { buildPayload } from "../../../load/connection.ts";
import { percentileMs } from "../../../load/histogram.ts";
import type { LoadPlan } from "../../../load/plan.ts";
import { errorCount, type LoadSummary } from "../../../load/summary.ts";
import { isWebSocket, parseEndpoint } from "../../../net/endpoint.ts";
import { type Limit, type Metrics, parseLimit } from "../../fail_if.ts";
import { OutputFile } from "../../output_file.ts";
import type { BENCH_FLAGS } from "../bench.ts";
import { handshakeHeaders } from "../handshake_flags.ts";
import { routeOf } from "../route_flags.ts";
import { tlsConnectOptions, tlsEndpoint } from "../tls_flags.ts";
import { planLine, progressLine, reportObject, reportText } from "./report.ts";
import { reportHtml } from "./report_html.ts";
import { runThreads } from "./threads.ts";

/** Maximum bytes in flight per connection, which are one buffer. */
const MAX_BATCH_BYTES = 1024 ** 3;

type BenchFlags = FlagValues<typeof BENCH_FLAGS>;

/** Runs `bench`; returns the exit code. */
export async function runBench(endpoint: string, flags: BenchFlags, io: ProgramIo): Promise<number> {
  using page = flags.html === undefined ? undefined : OutputFile.open(flags.html, "the page");
  const limits = flags.failIf.map(parseLoadLimit);
  const plan = await planOf(endpoint, flags);
  using stop = io.stop.listen();
  const summary = await measure(plan, flags.workers, stop.signal, io);
  const failed = limits.flatMap((limit) => limit.violation(summary) ?? []);
  const exitCode = stop.exitCode ?? (failed.length > 0 ? EXIT.unexpected : exitCodeFor(summary, limits));
  try {
    page?.write(reportHtml(plan, summary, failed, new Date()));
  } finally {
    await print(
      io,
      flags.json ? toJsonLine(reportObject(plan, summary, failed, exitCode)) : reportText(plan, summary, styleOf(io)),
    );
    for (const line of failed) io.stderr.write(`parley-client: ${line}\n`);
  }
  return exitCode;
}

async function planOf(text: string, flags: BenchFlags): Promise<LoadPlan> {
  const endpoint = tlsEndpoint(parseEndpoint(text), flags);
  const framing = flags.framing ?? "raw";
  if (flags.rate !== undefined && flags.depth > 1) throw new UsageError("--rate and --depth cannot be combined");
  if (flags.pool !== undefined && (flags.rate !== undefined || flags.depth > 1)) {
    throw new UsageError("--pool cannot be combined with --rate or --depth");
  }
  if (isWebSocket(endpoint) && (flags.pool !== undefined || flags.framing !== undefined)) {
    throw new UsageError(`--pool and --framing require a stream; ${endpoint.scheme} has its own messages`);
  }
  const size = flags.size ?? (Number(/^fixed:(\d+)$/.exec(framing)?.[1]) || 64);
  if (size === 0) throw new UsageError("--size must be 1 or more: an empty message has no echo");
  if (size * flags.depth > MAX_BATCH_BYTES) {
    throw new UsageError(
      `--size and --depth: ${formatSize(size * flags.depth)} in flight on a connection; the maximum is 1 GiB`,
    );
  }
  // Encoded once in advance: a message that the framing cannot encode is a usage error.
  orUsageError(
    () => parseFraming(framing, { maxBytes: Infinity }).encode(buildPayload(size, 0), new ByteBuilder()),
    `--size ${size} and --framing ${framing}: `,
  );
  return {
    endpoint,
    connections: flags.connections,
    depth: flags.depth,
    size,
    framing,
    rate: flags.rate,
    durationMs: flags.duration,
    requests: flags.requests,
    warmupMs: flags.warmup ?? (flags.requests === undefined ? 500 : 0),
    timeoutMs: flags.timeout,
    connect: { ...await tlsConnectOptions(flags), connectTimeout: flags.connectTimeout },
    headers: await handshakeHeaders(flags),
    route: await routeOf(flags),
    poolSize: flags.pool,
  };
}

async function measure(plan: LoadPlan, workers: number, signal: AbortSignal, io: ProgramIo): Promise<LoadSummary> {
  using status = new StatusLine(io);
  status.show(planLine(plan));
  return await runThreads(plan, {
    workers,
    signal,
    onProgress(collector) {
      const { seconds } = collector;
      const last = seconds.at(-1);
      if (last) status.show(progressLine(seconds.length, last.answered, last.p50Ms, last.p99Ms));
    },
  });
}

/** Errors and losses fail a run, with their own exit code if there is only one kind, unless a limit applies to them. */
function exitCodeFor({ answered, lost, errors }: LoadSummary, limits: readonly Limit<LoadSummary>[]): number {
  const failure = commonExitCode(errors.values().map(({ exitCode }) => exitCode));
  if (answered === 0) return failure;
  const isJudged = limits.some(({ metric }) => metric === "errors" || metric === "lost" || metric === "loss");
  return !isJudged && (errors.size > 0 || lost > 0) ? failure : EXIT.done;
}

const METRICS: Metrics<LoadSummary> = {
  times: {
    max: ({ latency }) => latency.totalCount === 0 ? undefined : latency.maxValue / 1_000,
    mean: ({ latency }) => latency.totalCount === 0 ? undefined : latency.mean / 1_000,
  },
  shares: { loss: ({ lost, sent }) => sent === 0 ? undefined : lost / sent },
  counts: {
    errors: ({ errors }) => errorCount(errors),
    lost: ({ lost }) => lost,
    rate: ({ rate }) => rate,
  },
  percentile: ({ latency }, percent) => latency.totalCount === 0 ? undefined : percentileMs(latency, percent),
  examples: "p99>5ms, max>=1s, errors>0, rate<10000, lost>0, loss>0.1%",
};

/**
 * A limit on the result.
 *
 * @throws {UsageError} The text cannot be parsed.
 */
export function parseLoadLimit(text: string): Limit<LoadSummary> {
  return parseLimit(text, METRICS);
}
