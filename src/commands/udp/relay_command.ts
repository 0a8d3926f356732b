import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { DatagramMetricsSources } from "../../datagram/metrics.ts";
import { DatagramRelay } from "../../datagram/relay.ts";
import { bindSender, resolveTarget } from "../../datagram/sender.ts";
import { bind } from "../../factory.ts";
import { Logger } from "../../log/logger.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { announceReady, openReadyFile } from "../announce_ready.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { IMPAIRMENT_FLAGS, impairmentOf } from "./impairment_flags.ts";
import { serveDatagramMetrics } from "./serve_metrics.ts";
import { bindOptionsOf, datagramGateOf, SERVE_FLAGS } from "./shared_flags.ts";

const FLAGS = {
  direction: {
    type: "choice",
    choices: ["to-target", "to-client", "both"],
    default: "to-target",
    help: "which way the network is bad",
  },
  ...IMPAIRMENT_FLAGS,
  ...SERVE_FLAGS,
} as const satisfies FlagTable;

/** `parley-udp relay`. */
export const relayCommand: Command = defineCommand({
  usage: "ENDPOINT TARGET",
  examples: [
    { words: "relay :5000 :6000 --delay 20ms --jitter 5ms --direction both", does: "a round trip of 40 ms" },
  ],
  flags: FLAGS,
  notes: [
    "What befalls a datagram depends on --seed and on how many came before it that way, not on time.",
    "Each client, of 512 at the most, has its own socket to the target.",
  ].join("\n"),
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    using readyFile = openReadyFile(flags.readyFile);
    const [endpoint, to] = args;
    if (endpoint === undefined || to === undefined || args.length > 2) {
      throw new UsageError("relay takes where to listen and where to pass on, as in relay udp://:5000 udp://:6000");
    }
    const isBad = (way: "to-target" | "to-client") => flags.direction === way || flags.direction === "both";
    const toTarget = isBad("to-target") ? impairmentOf(flags) : undefined;
    // Another seed, or both ways would lose the datagrams of the same numbers.
    const toClient = isBad("to-client") ? impairmentOf(flags, 1) : undefined;
    const gate = datagramGateOf(flags);
    using stop = io.stop.listen();
    const target = await resolveTarget(to, stop.signal);
    const log = Logger.of("relay");
    await using owner = new AsyncDisposableStack();
    const front = owner.use(await bind(endpoint, bindOptionsOf(flags, "relay", [endpoint])));
    const relay = new DatagramRelay({
      front,
      target,
      log,
      open: () => bindSender(target, undefined, { context: "relay to target" }),
      toTarget,
      toClient,
      gate,
      maxDatagrams: flags.maxDatagrams,
    });
    const announced = [formatEndpoint(front.endpoint)];
    const sources: DatagramMetricsSources = {
      service: "relay",
      flows: [
        { counts: relay.forward, impairment: toTarget, direction: "to-target" },
        { counts: relay.backward, impairment: toClient, direction: "to-client" },
      ],
      clients: () => relay.clientCount,
    };
    const { metrics } = flags;
    const metricsUrl = metrics === undefined ? undefined : await serveDatagramMetrics(metrics, sources, owner);
    const running = relay.run(stop.signal);
    announceReady(announced, { printEndpoint: flags.printEndpoint, readyFile, metricsUrl, io });
    await running;
    return 0;
  },
});
