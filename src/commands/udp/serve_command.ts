import { UsageError } from "../../base/errors.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { suggest } from "../../base/suggest.ts";
import { DatagramServer } from "../../datagram/server.ts";
import type { RegisteredDatagramService } from "../../datagram/service.ts";
import { DATAGRAM_SERVICES } from "../../datagram/services/registry.ts";
import { bind } from "../../factory.ts";
import { Logger } from "../../log/logger.ts";
import type { DatagramSocket } from "../../net/datagram.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { announceReady } from "../announce_ready.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { SERVE_FLAGS } from "./shared_flags.ts";

const DEFAULT_ENDPOINT = "udp://127.0.0.1:5000";

/** `parley-udp serve`. */
export const serveCommand: Command = defineCommand({
  name: "serve",
  summary: `answer datagrams: ${DATAGRAM_SERVICES.map(({ name }) => name).join(", ")}`,
  usage: "SERVICE [ENDPOINT...]",
  examples: [
    { words: "serve upper udp://127.0.0.1:5000", does: "send each datagram back in upper case" },
    { words: "serve echo :0 unixgram:/run/echo.sock --print-endpoint", does: "two endpoints, one of them a free port" },
  ],
  flags: SERVE_FLAGS,
  notes: [
    ...DATAGRAM_SERVICES.map(({ name, summary }) => `${name}: ${summary}.`),
    `Without an ENDPOINT it is bound to ${DEFAULT_ENDPOINT}.`,
  ].join("\n"),
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    const [name, ...endpoints] = args;
    const service = serviceOf(name);
    const log = Logger.of(service.name);
    using stop = io.stop.listen();
    await using owner = new AsyncDisposableStack();
    const sockets: DatagramSocket[] = [];
    for (const endpoint of endpoints.length > 0 ? endpoints : [DEFAULT_ENDPOINT]) {
      sockets.push(owner.use(await bind(endpoint, { context: service.name, maxBytes: flags.maxBytes })));
    }
    const server = new DatagramServer({
      service: await service.create(flags, { log, print: (line) => io.stdout.write(`${line}\n`) }),
      sockets,
      log,
      maxDatagrams: flags.maxDatagrams,
    });
    const running = server.run(stop.signal);
    await announceReady(sockets.map(({ endpoint }) => formatEndpoint(endpoint)), flags, io);
    await running;
    return 0;
  },
});

function serviceOf(name: string | undefined): RegisteredDatagramService {
  const names = DATAGRAM_SERVICES.map((service) => service.name);
  if (name === undefined) throw new UsageError(`no service; it takes ${names.join(", ")}`);
  const service = DATAGRAM_SERVICES.find((candidate) => candidate.name === name);
  if (service) return service;
  const near = suggest(name, names);
  throw new UsageError(`unknown service "${name}"; ${near ? `did you mean ${near}?` : `it takes ${names.join(", ")}`}`);
}
