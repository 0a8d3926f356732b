import { ipv4OfMapped, isLoopback, isMulticast, parseIp, targetAddress } from "../base/ip.ts";
import { BindError, RefusedError } from "../base/errors.ts";
import { bind, type BindOptions } from "../factory.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { resolve } from "../net/resolve.ts";
import { reasonOf } from "../base/system_error.ts";

/**
 * A target for datagrams, with a numeric address: the first one of a name. An
 * unspecified address means this machine, and an IPv4-mapped one is IPv4.
 *
 * @throws {SyntaxError} It is not an endpoint to which datagrams can be sent.
 * @throws {ResolveError} The name has no address.
 */
export async function resolveTarget(endpoint: string | Endpoint, signal?: AbortSignal): Promise<Endpoint> {
  const target = typeof endpoint === "string" ? parseEndpoint(endpoint, { scheme: "udp" }) : endpoint;
  const text = formatEndpoint(target);
  if (target.scheme !== "udp" && target.scheme !== "unixgram") {
    throw new SyntaxError(
      `Cannot send datagrams to "${text}": the scheme must be udp or unixgram, for example udp://127.0.0.1:5000`,
    );
  }
  if (!isHostEndpoint(target)) return target;
  if (target.port === 0) throw new SyntaxError(`Cannot send datagrams to "${text}": port 0 is not a destination`);
  const [first] = await resolve(target.host, { signal });
  const host = targetAddress(first?.address ?? target.host);
  const bytes = parseIp(host);
  return { ...target, host: bytes && ipv4OfMapped(bytes)?.join(".") || host };
}

/** Whether one datagram may have many replies: the target is a multicast group or a broadcast address. */
export function hasManyReceivers(target: Endpoint): boolean {
  return isHostEndpoint(target) && (isMulticast(target.host) || /(?:^|\.)255$/.test(target.host));
}

/**
 * Binds a socket to send to the target from, and to receive replies on.
 *
 * @param target With a numeric address.
 * @param local The local endpoint; by default a free port, or for a Unix
 * socket a file next to the target's.
 */
export async function bindSender(
  target: Endpoint,
  local: string | undefined,
  options: BindOptions,
): Promise<DatagramSocket> {
  const endpoint = local === undefined ? localFor(target) : parseEndpoint(local, { scheme: "udp", port: 0 });
  try {
    return await bind(endpoint, { ...options, boundLogLevel: "debug" });
  } catch (error) {
    if (local !== undefined || !(error instanceof BindError) || error.reason !== "not available") throw error;
    // The local address was not requested: the machine has none of the target's family.
    const to = formatEndpoint(target);
    throw new RefusedError(`Cannot send to ${to}: ${reasonOf(error.cause)}`, { endpoint: to, cause: error });
  }
}

function localFor(target: Endpoint): Endpoint {
  if (!isHostEndpoint(target)) {
    return { scheme: "unixgram", path: `${target.path}.${crypto.randomUUID().slice(0, 8)}` };
  }
  const isV6 = target.host.includes(":");
  // Loopback for a loopback target: permission for 127.0.0.1 is enough.
  const host = isLoopback(target.host) ? isV6 ? "::1" : "127.0.0.1" : isV6 ? "::" : "0.0.0.0";
  return { scheme: "udp", host, port: 0, path: "/" };
}
