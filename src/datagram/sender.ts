import { isLoopback, isMulticast } from "../base/ip.ts";
import { bind, type BindOptions } from "../factory.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { resolve } from "../net/resolve.ts";

/**
 * An endpoint to send to, with a numeric address: a name stands for
 * the first of its addresses.
 *
 * @throws {SyntaxError} It is none, or none to which datagrams can be sent.
 * @throws {ResolveError} The name has no address.
 */
export async function resolveTarget(endpoint: string | Endpoint, signal?: AbortSignal): Promise<Endpoint> {
  const target = typeof endpoint === "string" ? parseEndpoint(endpoint, { scheme: "udp" }) : endpoint;
  const text = formatEndpoint(target);
  if (target.scheme !== "udp" && target.scheme !== "unixgram") {
    throw new SyntaxError(`Cannot send datagrams to "${text}": it takes udp or unixgram, as in udp://127.0.0.1:5000`);
  }
  if (!isHostEndpoint(target)) return target;
  if (target.port === 0) throw new SyntaxError(`Cannot send datagrams to "${text}": port 0 is nobody's`);
  const [first] = await resolve(target.host, { signal });
  return first === undefined ? target : { ...target, host: first.address };
}

/** Whether one datagram to the target may have many answers: a multicast group, or every machine of a network. */
export function hasManyReceivers(target: Endpoint): boolean {
  return isHostEndpoint(target) && (isMulticast(target.host) || /(?:^|\.)255$/.test(target.host));
}

/**
 * Binds a socket from which the target can be reached, and can answer.
 *
 * @param target With a numeric address.
 * @param local Where to bind; by default a free port, and for a Unix socket a
 * file beside the target's, which whoever serves the target can see too.
 */
export function bindSender(target: Endpoint, local: string | undefined, options: BindOptions): Promise<DatagramSocket> {
  const endpoint = local === undefined ? localFor(target) : parseEndpoint(local, { scheme: "udp", port: 0 });
  return bind(endpoint, { ...options, boundLogLevel: "debug" });
}

function localFor(target: Endpoint): Endpoint {
  if (!isHostEndpoint(target)) {
    return { scheme: "unixgram", path: `${target.path}.${crypto.randomUUID().slice(0, 8)}` };
  }
  const isV6 = target.host.includes(":");
  // Loopback stays on loopback: a sandbox that allows 127.0.0.1 alone is enough.
  const host = isLoopback(target.host) ? isV6 ? "::1" : "127.0.0.1" : isV6 ? "::" : "0.0.0.0";
  return { scheme: "udp", host, port: 0, path: "/" };
}
