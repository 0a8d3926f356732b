import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { print } from "../../cli/print.ts";
import { ReloadSignal } from "../../cli/reload_signal.ts";
import { serveMetrics } from "../../server/serve_metrics.ts";
import { openReadyFile, printServed } from "../announce_ready.ts";
import { configureServerLogging } from "../server_logging.ts";
import { runServices } from "./serve.ts";
import { SHARED_FLAGS } from "./shared_flags.ts";

const { readyFile, printEndpoint, metrics, explain, trace, logLevel, logFormat } = SHARED_FLAGS;

const FLAGS = {
  check: { type: "boolean", help: "check FILE and exit" },
  readyFile: {
    ...readyFile,
    help: "write the endpoints to FILE once ready: JSON if it ends in .json, or KEY=VALUE lines",
  },
  printEndpoint: { ...printEndpoint, help: "print the endpoints as KEY=VALUE lines once ready" },
  metrics,
  explain,
  trace,
  logLevel,
  logFormat,
} as const satisfies FlagTable;

const EXAMPLE = `
services:
  api:
    service: reply
    endpoint: tcp://127.0.0.1:0
    http: true
    text: ok
  calculator:
    service: exec
    endpoint: unix:/tmp/bc.sock
    program: [bc, -l]
  slow:
    service: echo
    byte-rate: 1KiB`;

/** `parley-server stack`. */
export const stackCommand = defineCommand({
  usage: "FILE [-- COMMAND]",
  examples: [
    { words: "stack stack.yaml -- npm test", does: "run the tests while the stack serves" },
    { words: "stack stack.yaml --check", does: "check the file" },
  ],
  flags: FLAGS,
  notes: `A file looks like this; the keys of a service are its flags:${EXAMPLE}\n` +
    "PARLEY_API, PARLEY_API_HOST and PARLEY_API_PORT are set for COMMAND. SIGHUP reloads lists and certificates.",
  readsEnvironment: true,
  takesCommand: true,
  mayRunPrograms: true,
  opensLibrary: true,
  async run({ flags, args, childCommand, io }) {
    await using _log = configureServerLogging(flags, io);
    const [path, ...more] = args;
    if (path === undefined || more.length > 0) throw new UsageError(`expected one FILE, not ${args.length}`);
    // Loaded lazily, because the schema and the parser are slow to load.
    const { parseStackFile } = await import("./stack/stack_file.ts");
    const { openStack, stackEndpoints, stackVariables } = await import("./stack/open_stack.ts");
    const { readEnvironment } = await import("../../script/file/variables.ts");
    const stack = await parseStackFile(await readNamedFile(path, "the stack file"), path, readEnvironment);
    if (childCommand.length === 0 && stack.every(({ program }) => program.length === 0)) {
      await io.dropPermissions?.("run");
    }
    if (stack.every(({ targets }) => targets === undefined)) await io.dropPermissions?.("ffi");
    if (flags.check) {
      await print(io, `${path}: ok, ${stack.length} service${stack.length === 1 ? "" : "s"}\n`);
      return EXIT.done;
    }
    using ready = openReadyFile(flags.readyFile);
    using reload = new ReloadSignal(io.stop);
    using stop = io.stop.listen();
    await using opened = await openStack(stack, reload);
    const hasPrograms = stack.some(({ program }) => program.length > 0);
    using _further = hasPrograms ? io.stop.includeFurther() : undefined;
    await io.dropPermissions?.("env", "ffi");
    const services = [...opened.services];
    await using metrics = flags.metrics === undefined
      ? undefined
      : await serveMetrics(flags.metrics, new Map(services.map(([name, { seen }]) => [name, seen])));
    const env = {
      ...stackVariables(opened),
      ...(metrics === undefined ? {} : { PARLEY_METRICS: metrics.url }),
    };
    const lines = Object.entries(env).map(([key, value]) => `${key}=${value}\n`).join("");
    return await runServices(services.map(([, service]) => service), {
      stop: stop.signal,
      io,
      command: childCommand,
      env,
      onServing() {
        ready?.write(flags.readyFile?.endsWith(".json") ? `${JSON.stringify(stackEndpoints(opened))}\n` : lines);
        return flags.printEndpoint ? printServed(lines, io) : Promise.resolve();
      },
    });
  },
});
