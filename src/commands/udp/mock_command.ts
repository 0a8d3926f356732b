import { UsageError } from "../../base/errors.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { DatagramServer } from "../../datagram/server.ts";
import { bind } from "../../factory.ts";
import { Logger } from "../../log/logger.ts";
import type { DatagramSocket } from "../../net/datagram.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { DatagramMock } from "../../script/mock/datagram_mock.ts";
import { announceReady, openReadyFile } from "../announce_ready.ts";
import { MOCK_FLAGS, runMock } from "../mock.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { bindOptionsOf, datagramGateOf, SERVE_FLAGS, serveMetrics } from "./shared_flags.ts";

const DEFAULT_ENDPOINT = "udp://127.0.0.1:5000";

/** `parley-udp mock`. */
export const mockCommand: Command = defineCommand({
  usage: "FILE [ENDPOINT...]",
  examples: [
    { words: "mock dns.yaml :0 --print-endpoint --exit-after 1", does: "one client, on a free port" },
  ],
  flags: {
    ...MOCK_FLAGS,
    exitAfter: { type: "integer", min: 1, help: "exit after the scripts of N clients have ended" },
    amplify: { type: "boolean", help: "send remote clients more than was received from them" },
    ...SERVE_FLAGS,
  },
  readsEnvironment: true,
  notes: [
    "Each datagram is a message. A client is a sender: its script begins with its first datagram.",
    `The default ENDPOINT is ${DEFAULT_ENDPOINT}.`,
  ].join("\n"),
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    using readyFile = openReadyFile(flags.readyFile);
    const [path, ...endpoints] = args;
    if (path === undefined) throw new UsageError("missing FILE: mock FILE [ENDPOINT...]");
    return await runMock(path, flags, { io, program: "parley-udp" }, async (mock, script) => {
      const log = Logger.of("mock");
      const enough = new AbortController();
      let left = flags.exitAfter ?? Infinity;
      const service = new DatagramMock(mock, script, {
        log,
        mayAmplify: flags.amplify,
        onSent(bytes) {
          server.counts.sent++;
          server.counts.sentBytes += bytes;
        },
        onEnd: () => void (--left === 0 && enough.abort()),
      });
      const bound = endpoints.length > 0 ? endpoints : [DEFAULT_ENDPOINT];
      const options = bindOptionsOf(flags, "mock", bound);
      using stop = io.stop.listen();
      await using owner = new AsyncDisposableStack();
      const sockets: DatagramSocket[] = [];
      for (const endpoint of bound) sockets.push(owner.use(await bind(endpoint, options)));
      const { maxDatagrams } = flags;
      const server = new DatagramServer({ service, sockets, log, maxDatagrams, gate: datagramGateOf(flags) });
      const sources = { service: "mock", flows: [{ counts: server.counts, impairment: undefined }] };
      const metricsUrl = await serveMetrics(flags.metrics, sources, owner);
      const running = server.run(AbortSignal.any([stop.signal, enough.signal]));
      const announced = sockets.map(({ endpoint }) => formatEndpoint(endpoint));
      announceReady(announced, { printEndpoint: flags.printEndpoint, readyFile, metricsUrl, io });
      await running;
      mock.stop();
      await service.ended();
      return 0;
    });
  },
});
