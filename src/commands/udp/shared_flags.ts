import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import type { ProgramIo } from "../../cli/io.ts";
import type { DatagramMetricsSources } from "../../datagram/metrics.ts";
import { bind } from "../../factory.ts";
import type { BindOptions } from "../../net/options.ts";
import { AccessList } from "../../guard/access_list.ts";
import { DatagramGate } from "../../guard/datagram_gate.ts";
import { isMulticast } from "../../base/ip.ts";
import type { DatagramSocket } from "../../net/datagram.ts";
import { formatEndpoint, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import type { Dialer } from "../../net/layer.ts";
import { readsProxyVariables, ROUTE_FLAGS, routeConnectOptions } from "../client/route_flags.ts";
import { announceReady } from "../announce_ready.ts";
import type { OutputFile } from "../output_file.ts";
import { logFlags } from "../program_logging.ts";
import { SOCKET_FLAGS, socketOptionsOf } from "../socket_flags.ts";

/** Flags of commands that serve. */
export const SERVE_FLAGS = {
  ...inGroup("Common", {
    printEndpoint: { type: "boolean", help: "print each endpoint on standard output once ready" },
    readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once ready" },
    maxDatagrams: { type: "integer", min: 1, help: "exit after N datagrams" },
  }),
  ...inGroup("Limits", {
    maxBytes: {
      type: "size",
      default: "65507",
      help: "maximum size of a datagram; longer ones are dropped, by listen truncated",
    },
    ratePerIp: {
      type: "integer",
      min: 1,
      help: "maximum datagrams per second from one IP address; others are dropped",
    },
    limitLoopback: { type: "boolean", help: "apply --rate-per-ip to loopback addresses too" },
  }),
  ...inGroup("Access", {
    allow: { type: "text", repeat: true, placeholder: "CIDR", help: "accept datagrams from this address range only" },
    deny: {
      type: "text",
      repeat: true,
      placeholder: "CIDR",
      help: "drop datagrams from this address range, even if allowed",
    },
  }),
  receiveBuffer: SOCKET_FLAGS.receiveBuffer,
  ...inGroup("Socket", {
    interface: {
      type: "text",
      placeholder: "INTERFACE",
      help: "join multicast groups on this interface: its address for IPv4, its index for IPv6",
    },
  }),
  ...inGroup("Logging", {
    metrics: {
      type: "text",
      placeholder: "ENDPOINT",
      help: "serve /metrics (Prometheus) and /healthz over HTTP on ENDPOINT",
    },
  }),
  ...logFlags("info"),
} as const satisfies FlagTable;

const { proxy, proxyResolve } = ROUTE_FLAGS;

/** Flags of commands that send. */
export const SENDER_FLAGS = {
  bind: { type: "text", placeholder: "ENDPOINT", help: "send from this local endpoint" },
  proxy: { ...proxy, help: "send through socks5://HOST:PORT, several in turn" },
  proxyResolve,
} as const satisfies FlagTable;

/** The route through the proxies in {@linkcode SENDER_FLAGS}, if any. */
export async function senderDialerOf(flags: FlagValues<typeof SENDER_FLAGS>): Promise<Dialer | undefined> {
  if (flags.proxy.length > 0 && flags.bind !== undefined) throw new UsageError("--bind and --proxy cannot be combined");
  if (readsProxyVariables(flags)) throw new UsageError("--proxy env is for connections: name the proxy for datagrams");
  // The local endpoint is that of the socket, not of a connection.
  const { dialer } = await routeConnectOptions({ ...NO_ROUTE, ...flags, bind: undefined });
  return dialer;
}

const NO_ROUTE = {
  proxyCa: undefined,
  sendProxy: undefined,
  sendProxySource: undefined,
  ipv4: false,
  ipv6: false,
} as const;

/** The access rules and rates in {@linkcode SERVE_FLAGS}, if any. */
export function datagramGateOf(flags: FlagValues<typeof SERVE_FLAGS>): DatagramGate | undefined {
  const hasRules = flags.allow.length > 0 || flags.deny.length > 0;
  if (!hasRules && flags.ratePerIp === undefined) return undefined;
  return new DatagramGate({
    access: hasRules ? new AccessList(flags) : undefined,
    perSecond: flags.ratePerIp,
    limitsLoopback: flags.limitLoopback,
  });
}

/**
 * The bind options in {@linkcode SERVE_FLAGS}.
 *
 * @param endpoints The endpoints to bind and the groups to join.
 * @throws {UsageError} A flag would have no effect.
 */
export function bindOptionsOf(
  flags: FlagValues<typeof SERVE_FLAGS>,
  context: string,
  endpoints: readonly string[],
): BindOptions {
  if (flags.maxBytes === 0) throw new UsageError("--max-bytes: must be at least 1");
  if (flags.interface !== undefined && !endpoints.some(isGroup)) {
    throw new UsageError("--interface applies to multicast groups only, for example udp://239.0.0.7:5000");
  }
  return {
    context,
    maxBytes: flags.maxBytes,
    socketOptions: socketOptionsOf({ receiveBuffer: flags.receiveBuffer }),
    ...(flags.interface === undefined ? {} : { interface: flags.interface }),
  };
}

function isGroup(text: string): boolean {
  if (isMulticast(text)) return true;
  const endpoint = parseEndpoint(text, { scheme: "udp" });
  return isHostEndpoint(endpoint) && isMulticast(endpoint.host);
}

/** Where a command that serves listens by default. */
export const DEFAULT_ENDPOINT = "udp://127.0.0.1:5000";

/** Binds the given endpoints, or the default one; the sockets belong to `owner`. Throws like {@linkcode bindOptionsOf}. */
export async function bindEndpoints(
  given: readonly string[],
  flags: FlagValues<typeof SERVE_FLAGS>,
  { owner, context, ...options }: BindOptions & { owner: AsyncDisposableStack; context: string },
): Promise<DatagramSocket[]> {
  const endpoints = given.length > 0 ? given : [DEFAULT_ENDPOINT];
  const all = { ...bindOptionsOf(flags, context, [...endpoints, ...options.groups ?? []]), ...options };
  const sockets: DatagramSocket[] = [];
  for (const endpoint of endpoints) sockets.push(owner.use(await bind(endpoint, all)));
  return sockets;
}

/** Serves the metrics, and runs a server whose endpoints are announced once it receives. */
export async function runAnnounced(
  run: () => Promise<void>,
  { sockets, sources, flags, readyFile, owner, io }: {
    sockets: readonly DatagramSocket[];
    sources: DatagramMetricsSources;
    flags: FlagValues<typeof SERVE_FLAGS>;
    readyFile: OutputFile | undefined;
    owner: AsyncDisposableStack;
    io: ProgramIo;
  },
): Promise<void> {
  const metricsUrl = await serveMetrics(flags.metrics, sources, owner);
  const running = run();
  const endpoints = sockets.map(({ endpoint }) => formatEndpoint(endpoint));
  await Promise.all([
    running,
    announceReady(endpoints, { printEndpoint: flags.printEndpoint, readyFile, metricsUrl, io }),
  ]);
}

/** Serves the metrics on the endpoint from the flags; returns their URL. */
async function serveMetrics(
  endpoint: string | undefined,
  sources: DatagramMetricsSources,
  owner: AsyncDisposableStack,
): Promise<string | undefined> {
  if (endpoint === undefined) return undefined;
  const { datagramRoutes } = await import("../../datagram/metrics.ts");
  const { HttpServer } = await import("../../server/http_server.ts");
  const routes = await datagramRoutes(sources);
  return `${owner.use(await HttpServer.listen(endpoint, routes, "metrics")).url}/metrics`;
}
