import { UsageError } from "../../base/errors.ts";
import { randomSeed } from "../../base/random.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { DatagramMetricsSources } from "../../datagram/metrics.ts";
import { DatagramRelay } from "../../datagram/relay.ts";
import { bindSender, resolveTarget } from "../../datagram/sender.ts";
import { bind } from "../../factory.ts";
import { defaultMaxConnections } from "../../guard/open_file_limit.ts";
import { Logger } from "../../log/logger.ts";
import { isFrom } from "../../net/datagram.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { isReachedBy } from "../../net/own_address.ts";
import { DATAGRAM_FAULT_TYPES, impairmentsOf } from "../../relay/datagram_faults.ts";
import type { Direction, Fault } from "../../relay/faults/fault.ts";
import { withOwnNames } from "../../relay/faults/parse_fault.ts";
import { openReadyFile } from "../announce_ready.ts";
import { FAULT_FLAGS, faultScopeOf, faultsOf } from "../fault_flags.ts";
import { configureServerLogging } from "../server_logging.ts";
import { IMPAIRMENT_FLAGS, IMPAIRMENT_NOTES, shortFaultsOf } from "./impairment_flags.ts";
import { bindOptionsOf, datagramGateOf, runAnnounced, SERVE_FLAGS } from "./shared_flags.ts";

const FLAGS = {
  ...FAULT_FLAGS,
  direction: {
    type: "choice",
    choices: ["to-server", "to-target", "to-client", "both"],
    placeholder: "WAY",
    help: "of faults: to-server, to-client or both (default: both for --fault, to-server for --drop and the like)",
  },
  share: { ...FAULT_FLAGS.share, help: "share of the clients with faults, such as 20%" },
  only: { ...FAULT_FLAGS.only, help: "numbers of the clients with faults, such as 1-2,5" },
  ...inGroup("Limits", {
    maxClients: {
      type: "integer",
      min: 1,
      help: "maximum clients (default: 10000, or what the open-file limit allows)",
    },
    idleTimeout: { type: "duration", default: "5m", help: "forget a client after TIME without a datagram" },
  }),
  ...IMPAIRMENT_FLAGS,
  seed: { type: "integer", max: 0xffff_ffff, help: "seed for reproducible faults" },
  ...SERVE_FLAGS,
} as const satisfies FlagTable;

/** `parley-udp relay`. */
export const relayCommand: Command = defineCommand({
  usage: "ENDPOINT TARGET",
  examples: [
    { words: "relay :5000 :6000 --delay 20ms --jitter 5ms --direction both", does: "a round trip of 40 ms" },
    {
      words: "relay :5000 :6000 --fault drop:5% --fault latency:20ms,distribution=normal,jitter=5ms --seed 7",
      does: "a lossy network in both directions, reproducibly",
    },
  ],
  flags: FLAGS,
  notes: [
    ...IMPAIRMENT_NOTES,
    "Each client has its own socket to the target. At --max-clients, a new client replaces the one that was idle",
    "longest. Replies are accepted from the target's address only.",
  ].join("\n"),
  async run({ flags, args, io }) {
    await using _log = configureServerLogging(flags, io);
    using readyFile = openReadyFile(flags.readyFile);
    const [endpoint, to] = args;
    if (endpoint === undefined || to === undefined || args.length > 2) {
      throw new UsageError("expected an endpoint and a target, for example relay udp://:5000 udp://:6000");
    }
    if (flags.idleTimeout === 0) throw new UsageError("--idle-timeout: must be more than 0");
    const faults = datagramFaultsOf(flags);
    const seed = flags.seed ?? randomSeed();
    const impairmentTo = (direction: Direction) =>
      impairmentsOf(faults, { seed, direction, maxQueued: flags.maxQueue });
    const toTarget = impairmentTo("to-server");
    const toClient = impairmentTo("to-client");
    const gate = datagramGateOf(flags);
    using stop = io.stop.listen();
    const target = await resolveTarget(to, stop.signal);
    const log = Logger.of("relay");
    await using owner = new AsyncDisposableStack();
    const front = owner.use(await bind(endpoint, bindOptionsOf(flags, "relay", [endpoint])));
    // The path of a Unix socket may be relative.
    if (isFrom(front.endpoint, target) || isReachedBy(front.endpoint, target)) {
      throw new UsageError(`${to} is the relay itself: datagrams would loop`);
    }
    if (faults.length > 0) {
      log.info(`relaying ${formatEndpoint(front.endpoint)} to ${to}`, {
        seed,
        faults: faults.map(({ name }) => name).join(","),
      });
    }
    const relay = new DatagramRelay({
      front,
      target,
      log,
      open: () => bindSender(target, undefined, { context: "relay to target" }),
      toTarget,
      toClient,
      gate,
      maxDatagrams: flags.maxDatagrams,
      maxClients: flags.maxClients ?? defaultMaxConnections(),
      idleTimeout: flags.idleTimeout,
    });
    const sources: DatagramMetricsSources = {
      service: "relay",
      flows: [
        { counts: relay.forward, impairment: toTarget, direction: "to-target" },
        { counts: relay.backward, impairment: toClient, direction: "to-client" },
      ],
      clients: () => relay.clients,
    };
    await runAnnounced(() => relay.run(stop.signal), { sockets: [front], sources, flags, readyFile, owner, io });
    return 0;
  },
});

/** The faults of the short flags, then those of `--fault`. */
function datagramFaultsOf(flags: FlagValues<typeof FLAGS>): Fault[] {
  const direction = flags.direction === "to-target" ? "to-server" : flags.direction;
  const scoped = { ...flags, direction };
  const short = shortFaultsOf(flags, faultScopeOf({ ...scoped, direction: direction ?? "to-server" }));
  return withOwnNames([...short, ...faultsOf(scoped, DATAGRAM_FAULT_TYPES, short.length > 0)]);
}
