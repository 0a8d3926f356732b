import { UsageError } from "../../base/errors.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { DatagramServer } from "../../datagram/server.ts";
import { Logger } from "../../log/logger.ts";
import { DatagramMock } from "../../script/mock/datagram_mock.ts";
import { openReadyFile } from "../announce_ready.ts";
import { MOCK_FLAGS, runMock } from "../mock.ts";
import { configureServerLogging } from "../server_logging.ts";
import { bindEndpoints, datagramGateOf, DEFAULT_ENDPOINT, runAnnounced, SERVE_FLAGS } from "./shared_flags.ts";

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
    await using _log = configureServerLogging(flags, io);
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
      using stop = io.stop.listen();
      await using owner = new AsyncDisposableStack();
      const sockets = await bindEndpoints(endpoints, flags, { owner, context: "mock" });
      const { maxDatagrams } = flags;
      const server = new DatagramServer({ service, sockets, log, maxDatagrams, gate: datagramGateOf(flags) });
      const sources = { service: "mock", flows: [{ counts: server.counts }] };
      const run = () => server.run(AbortSignal.any([stop.signal, enough.signal]));
      await runAnnounced(run, { sockets, sources, flags, readyFile, owner, io });
      mock.stop();
      await service.ended();
      return 0;
    });
  },
});
