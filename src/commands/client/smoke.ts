import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { configureProgramLogging, streamLogFlags } from "../program_logging.ts";
import { ROUTE_FLAGS } from "./route_flags.ts";

/** Flags of `smoke`. */
export const SMOKE_FLAGS = {
  jobs: { type: "integer", short: "j", min: 1, default: 8, help: "run N tests at a time" },
  deadline: { type: "duration", help: "maximum time for all tests together" },
  tag: { type: "text", repeat: true, help: "run only tests with this tag" },
  skipTag: { type: "text", placeholder: "TAG", repeat: true, help: "skip tests with this tag" },
  junit: { type: "text", placeholder: "FILE", help: "also write a JUnit report" },
  tap: { type: "boolean", help: "report in TAP" },
  json: { type: "boolean", help: "print one JSON object per test, then a summary" },
  ...ROUTE_FLAGS,
  ...streamLogFlags("warning"),
} as const satisfies FlagTable;

const EXAMPLE = `
name: shop
variables: { host: "\${env.HOST:-127.0.0.1}" }
tests:
  - name: it greets
    endpoint: tcp://\${host}:2525
    steps:
      - expect-regex: "^220 (\\\\S+)"
      - send: "EHLO {1}\\\\r\\\\n"
      - expect: 250
  - name: the database is up
    endpoint: tcp://\${host}:5432
    check: { wait: 30s }`;

/** `parley-client smoke`. */
export const smokeCommand = defineCommand({
  usage: "FILE",
  examples: [
    {
      words: "smoke smoke.yaml --tag fast --junit report.xml",
      does: "tests with a tag, with a report for a CI server",
    },
    { words: "smoke smoke.json --tap", does: "a file in JSON, a report in TAP" },
  ],
  flags: SMOKE_FLAGS,
  readsEnvironment: true,
  mayRunPrograms: true,
  notes: `A file looks like this:${EXAMPLE}`,
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    const [path, ...more] = args;
    if (path === undefined || more.length > 0) throw new UsageError(`expected one FILE, not ${args.length}`);
    // Loaded lazily, because the schema and the parser are slow to load.
    const { runSmoke } = await import("./smoke/run_smoke.ts");
    return await runSmoke(path, flags, io);
  },
});
