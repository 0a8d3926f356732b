import { isLoopback, isMulticast, plainIp, targetAddress } from "../base/ip.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { BindError, RefusedError, TimeoutError, UsageError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { bind } from "../factory.ts";
import type { BindOptions } from "../net/options.ts";
import { Logger } from "../log/logger.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint, isHostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import type { Dialer } from "../net/layer.ts";
import { resolve } from "../net/resolve.ts";
import { timeoutSignal } from "../net/wait.ts";
import { reasonOf } from "../base/system_error.ts";

/**
 * Resolves a target of datagrams to the first address of its name. An unspecified address means this machine, and an
 * IPv4-mapped one is IPv4.
 *
 * @param dialer Sends through a proxy, which resolves the target itself.
 * @throws {SyntaxError} Datagrams cannot be sent to this endpoint.
 * @throws {ResolveError} The name has no address.
 */
export async function resolveTarget(
  endpoint: string | Endpoint,
  signal?: AbortSignal,
  dialer?: Dialer,
): Promise<Endpoint> {
  const target = typeof endpoint === "string" ? parseEndpoint(endpoint, { scheme: "udp" }) : endpoint;
  const text = formatEndpoint(target);
  if (target.scheme !== "udp" && target.scheme !== "unixgram") {
    throw new SyntaxError(
      `Cannot send datagrams to "${text}": the scheme must be udp or unixgram, for example udp://127.0.0.1:5000`,
    );
  }
  if (dialer !== undefined) rejectUnroutable(target, text, dialer);
  if (!isHostEndpoint(target)) return target;
  if (target.port === 0) throw new SyntaxError(`Cannot send datagrams to "${text}": port 0 is not a destination`);
  if (dialer !== undefined) return target;
  const [first] = await resolve(target.host, { signal });
  return { ...target, host: plainIp(targetAddress(first?.address ?? target.host)) };
}

/** Throws for a target that the proxies cannot reach: it must not be sent directly instead. */
function rejectUnroutable(target: Endpoint, text: string, dialer: Dialer): void {
  const reason = dialer.associate === undefined
    ? "only socks5 proxies relay datagrams"
    : !isHostEndpoint(target)
    ? "a proxy cannot connect to Unix sockets"
    : hasManyReceivers(target)
    ? "a proxy cannot send to a multicast or broadcast address"
    : undefined;
  if (reason !== undefined) throw new UsageError(`Cannot send datagrams to ${text} through a proxy: ${reason}`);
}

/** Whether the target is a multicast group or a broadcast address, so that one datagram may have many replies. */
export function hasManyReceivers(target: Endpoint): boolean {
  return isHostEndpoint(target) && (isMulticast(target.host) || /(?:^|\.)255$/.test(target.host));
}

/** Options of {@linkcode bindSender}. */
interface SenderOptions extends BindOptions {
  /** Opens the socket through a proxy instead. */
  dialer?: Dialer | undefined;
  /** Aborts the wait for the proxy. */
  signal?: AbortSignal | undefined;
}

/**
 * Binds a socket to send to the target and to receive replies.
 *
 * @param target With a numeric address.
 * @param local The local endpoint; by default a free port, or for a Unix
 * socket a file next to the target's.
 */
export async function bindSender(
  target: Endpoint,
  local: string | undefined,
  { dialer, signal, ...options }: SenderOptions,
): Promise<DatagramSocket> {
  if (dialer?.associate !== undefined && isHostEndpoint(target)) {
    return await associate(target, dialer.associate, signal, options.context);
  }
  const endpoint = local === undefined ? localFor(target) : parseEndpoint(local, { scheme: "udp", port: 0 });
  try {
    return await bind(endpoint, { ...options, boundLogLevel: "debug" });
  } catch (error) {
    if (local !== undefined || !(error instanceof BindError) || error.reason !== "not available") throw error;
    // No local address was requested, so the machine has none of the target's family.
    const to = formatEndpoint(target);
    throw new RefusedError(`Cannot send to ${to}: ${reasonOf(error.cause)}`, { endpoint: to, cause: error });
  }
}

/** Opens a socket through a proxy, within the connect timeout. */
async function associate(
  target: HostEndpoint,
  open: NonNullable<Dialer["associate"]>,
  signal: AbortSignal | undefined,
  context = "parley",
): Promise<DatagramSocket> {
  const { connectTimeoutMs, resolveTimeoutMs } = DEFAULTS;
  const endpoint = formatEndpoint(target);
  using timeout = timeoutSignal(connectTimeoutMs, () => {
    const message = `Cannot reach ${endpoint}: the proxy did not answer within ${formatDuration(connectTimeoutMs)}`;
    return new TimeoutError("connect", message, { endpoint });
  });
  return await open(target, {
    log: Logger.of(context),
    resolveTimeoutMs,
    signal: AbortSignal.any([timeout.signal, ...signal ? [signal] : []]),
  });
}

function localFor(target: Endpoint): Endpoint {
  if (!isHostEndpoint(target)) {
    return { scheme: "unixgram", path: `${target.path}.${crypto.randomUUID().slice(0, 8)}` };
  }
  const isV6 = target.host.includes(":");
  // Loopback for a loopback target, so that the permission for 127.0.0.1 is enough.
  const host = isLoopback(target.host) ? isV6 ? "::1" : "127.0.0.1" : isV6 ? "::" : "0.0.0.0";
  return { scheme: "udp", host, port: 0, path: "/" };
}
