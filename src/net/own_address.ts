import { isIp, isLoopback, isSameIp, isUnspecified, targetAddress } from "../base/ip.ts";
import { type Endpoint, formatHostPort, isHostEndpoint } from "./endpoint.ts";

/**
 * The address of a datagram socket, as a sender. A datagram that seems to come from the socket that receives it is
 * forged, and its reply would be the next such datagram, without end.
 */
export class OwnAddress {
  readonly #host: string;
  readonly #port: number | undefined;
  readonly #isEvery: boolean;
  readonly #local = new Set<string>();
  #lastForeign: string | undefined;

  constructor(bound: Endpoint) {
    this.#host = isHostEndpoint(bound) ? bound.host : "";
    this.#port = isHostEndpoint(bound) ? bound.port : undefined;
    this.#isEvery = isUnspecified(this.#host);
  }

  /** Whether a sender has this address; if the socket is bound to all addresses, whether it has any of them. */
  isAt(from: Deno.Addr, isLocal: (host: string) => boolean = canBind): boolean {
    // Compared first, because this is checked for every datagram.
    if (!("hostname" in from) || from.port !== this.#port) return false;
    const { hostname } = from;
    if (!this.#isEvery) return isSameIp(hostname, this.#host);
    if (isLoopback(hostname) || this.#local.has(hostname)) return true;
    if (hostname === this.#lastForeign) return false;
    if (isLocal(hostname)) return !!this.#local.add(hostname);
    this.#lastForeign = hostname;
    return false;
  }
}

/** Whether what is sent to `target` arrives at a socket that listens on `bound`; a name is not resolved. */
export function isReachedBy(bound: Endpoint, target: Endpoint, isLocal: (host: string) => boolean = canBind): boolean {
  if (!isHostEndpoint(bound) || !isHostEndpoint(target)) {
    return !isHostEndpoint(bound) && !isHostEndpoint(target) && bound.path === target.path;
  }
  if (bound.port === 0 || bound.port !== target.port) return false;
  const [own, other] = [targetAddress(bound.host), targetAddress(target.host)];
  if (own === other || isSameIp(own, other)) return true;
  return isUnspecified(bound.host) && (isLoopback(other) || isIp(other) && isLocal(other));
}

/** Whether an address belongs to this machine: listing its interfaces would need a further permission. */
function canBind(hostname: string): boolean {
  if (Deno.permissions.querySync({ name: "net", host: formatHostPort(hostname, 0) }).state !== "granted") return false;
  try {
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
