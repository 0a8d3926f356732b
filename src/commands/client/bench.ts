import { type FlagTable, inGroup } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { endpointArgument } from "../arguments.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { CONNECTION_FLAGS, rejectInapplicableFlags } from "./client_flags.ts";
import { HANDSHAKE_FLAGS, readsVariables } from "./handshake_flags.ts";
import { START_TLS_FLAGS, TLS_FLAGS, tlsEndpoint } from "./tls_flags.ts";
import { ROUTE_FLAGS } from "./route_flags.ts";

/** Flags of `bench`. */
export const BENCH_FLAGS = {
  connections: {
    type: "integer",
    short: "c",
    min: 1,
    default: 10,
    help: "connections, or callers that share a pool",
  },
  depth: { type: "integer", min: 1, default: 1, help: "messages in flight per connection" },
  size: { type: "size", help: "message size (default 64)" },
  duration: { type: "duration", short: "d", default: "10s", help: "measure for TIME" },
  requests: { type: "integer", short: "n", min: 1, help: "stop after N messages instead" },
  rate: { type: "integer", min: 1, placeholder: "N", help: "send N messages per second (open loop)" },
  warmup: { type: "duration", help: "warm up before measuring (default 500ms; none with -n)" },
  timeout: { type: "duration", default: "5s", help: "maximum time for a reply; later ones count as lost" },
  pool: { type: "integer", min: 1, help: "share N connections" },
  workers: { type: "integer", min: 1, max: 256, default: 1, help: "use N threads" },
  failIf: { type: "text", repeat: true, placeholder: "LIMIT", help: "exit 1 if LIMIT holds, for example 'p99>5ms'" },
  html: { type: "text", placeholder: "FILE", help: "write a report with plots" },
  json: { type: "boolean", help: "print the report as one JSON object" },
  ...CONNECTION_FLAGS,
  ...TLS_FLAGS,
  ...ROUTE_FLAGS,
  ...START_TLS_FLAGS,
  ...inGroup("WebSocket", HANDSHAKE_FLAGS),
} as const satisfies FlagTable;

/** `parley-client bench`. */
export const benchCommand = defineCommand({
  usage: "ENDPOINT",
  examples: [
    { words: "bench 8888 --rate 5000 --fail-if 'p99>5ms' --fail-if 'loss>0%'", does: "a steady load, with limits" },
    { words: "bench 8888 --framing line --depth 32 --html report.html", does: "lines, pipelined, with plots" },
  ],
  flags: BENCH_FLAGS,
  readsEnvironment: readsVariables,
  notes: [
    "The server must echo each message: every reply is compared with the request.",
    "With --rate a latency counts from the moment at which the message was to be sent, so that a server that stalls",
    'is charged for the messages it held up; "service" counts from the moment at which it was sent.',
    "--fail-if takes p50, p90, p99, p99.9 (any percentile), max, mean, errors, rate, lost, loss (in %) and > >= < <=.",
    "Errors and lost messages exit 1 unless a --fail-if sets a limit for them.",
  ].join("\n"),
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    const endpoint = endpointArgument(args);
    rejectInapplicableFlags(given, [tlsEndpoint(parseEndpoint(endpoint), flags)]);
    // Loaded lazily, because the histogram library is slow to load.
    const { runBench } = await import("./bench/run_bench.ts");
    return await runBench(endpoint, flags, io);
  },
});
