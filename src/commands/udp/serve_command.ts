import { UsageError } from "../../base/errors.ts";
import { type FlagTable, kebabCase } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { PrintQueue } from "../../cli/print.ts";
import { didYouMean } from "../../base/suggest.ts";
import { DatagramServer } from "../../datagram/server.ts";
import type { RegisteredDatagramService } from "../../datagram/service.ts";
import { DATAGRAM_SERVICES } from "../../datagram/services/registry.ts";
import { Logger } from "../../log/logger.ts";
import { impairmentsOf } from "../../relay/datagram_faults.ts";
import { EVERYWHERE } from "../../relay/faults/parse_fault.ts";
import { openReadyFile } from "../announce_ready.ts";
import { configureServerLogging } from "../server_logging.ts";
import { IMPAIRMENT_FLAGS, IMPAIRMENT_NOTES, shortFaultsOf } from "./impairment_flags.ts";
import { bindEndpoints, datagramGateOf, DEFAULT_ENDPOINT, runAnnounced, SERVE_FLAGS } from "./shared_flags.ts";

const FLAGS = {
  ...Object.assign({}, ...DATAGRAM_SERVICES.map(({ flags }) => flags)) as FlagTable,
  amplify: { type: "boolean", help: "send replies that are larger than their requests" },
  ...SERVE_FLAGS,
  ...IMPAIRMENT_FLAGS,
} as const satisfies FlagTable;

/** `parley-udp serve`. */
export const serveCommand: Command = defineCommand({
  usage: "SERVICE [ENDPOINT...]",
  examples: [
    { words: "serve echo --drop 20% --delay 20ms --seed 7", does: "echo over a bad network, reproducibly" },
    { words: "serve echo :0 unixgram:/run/echo.sock --print-endpoint", does: "two endpoints, one on a free port" },
  ],
  flags: FLAGS,
  notes: [
    ...DATAGRAM_SERVICES.map(({ name, summary }) => `${name}: ${summary}.`),
    `The default ENDPOINT is ${DEFAULT_ENDPOINT}.`,
    ...IMPAIRMENT_NOTES,
  ].join("\n"),
  async run({ flags, args, io }) {
    await using _log = configureServerLogging(flags, io);
    using readyFile = openReadyFile(flags.readyFile);
    const [name, ...endpoints] = args;
    const service = serviceOf(name);
    rejectInapplicableFlags(service, flags);
    const { seed, maxQueue } = flags;
    const faults = shortFaultsOf(flags, EVERYWHERE);
    const impairment = impairmentsOf(faults, { seed, direction: "to-server", maxQueued: maxQueue });
    const gate = datagramGateOf(flags);
    const log = Logger.of(service.name);
    const output = new PrintQueue(io);
    const work = await service.create(flags, { log, print: (line) => output.print(`${line}\n`) });
    using stop = io.stop.listen();
    await using owner = new AsyncDisposableStack();
    const sockets = await bindEndpoints(endpoints, flags, { owner, context: service.name });
    const server = new DatagramServer({
      service: work,
      sockets,
      log,
      maxDatagrams: flags.maxDatagrams,
      mayAmplify: flags.amplify,
      gate,
      impairment,
      heldBy: () => output.held,
    });
    const sources = { service: service.name, flows: [{ counts: server.counts, impairment }] };
    const ending = AbortSignal.any([stop.signal, output.failed]);
    await runAnnounced(() => server.run(ending), { sockets, sources, flags, readyFile, owner, io });
    await output.end();
    return 0;
  },
});

function serviceOf(name: string | undefined): RegisteredDatagramService {
  const names = DATAGRAM_SERVICES.map((service) => service.name);
  if (name === undefined) throw new UsageError(`missing service; expected one of ${names.join(", ")}`);
  const service = DATAGRAM_SERVICES.find((candidate) => candidate.name === name);
  if (service) return service;
  const hint = didYouMean(name, names, `expected one of ${names.join(", ")}`);
  throw new UsageError(`unknown service "${name}"; ${hint}`);
}

/** A flag of another service would have no effect. */
function rejectInapplicableFlags(service: RegisteredDatagramService, flags: Readonly<Record<string, unknown>>): void {
  for (const { name, flags: table } of DATAGRAM_SERVICES) {
    const inapplicable = Object.keys(table).find((flag) => !(flag in service.flags) && flags[flag] !== undefined);
    if (inapplicable !== undefined) {
      throw new UsageError(`--${kebabCase(inapplicable)} applies to ${name}, not to ${service.name}`);
    }
  }
}
