import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { isInCidr, parseCidr } from "../../base/cidr.ts";
import { parseIp } from "../../base/ip.ts";
import type { ListenOptions } from "../../net/options.ts";
import { parseEndpoint, type Scheme } from "../../net/endpoint.ts";
import { proxyProtocolLayer } from "../../net/layers/proxy_protocol.ts";

/** Flags of all services behind proxies. */
export const PROXY_FLAGS = {
  proxyProtocol: {
    type: "choice",
    choices: ["require", "accept"],
    help: "take client addresses from the PROXY header, version 1 or 2, of the proxies of --proxy-from",
  },
  proxyFrom: {
    type: "text",
    repeat: true,
    placeholder: "CIDR",
    help: "addresses of the proxies that send a PROXY header; others are rejected, or with accept served as they are",
  },
  proxyInsideTls: { type: "boolean", help: "expect the PROXY header inside TLS, not before it" },
  trustedProxy: {
    type: "text",
    repeat: true,
    placeholder: "CIDR",
    help: "WebSocket and page: take client addresses from Forwarded or X-Forwarded-For of these proxies",
  },
} as const satisfies FlagTable;

type ProxyFlags = FlagValues<typeof PROXY_FLAGS>;

/** Whether an address is in one of the ranges. */
function addressTest(ranges: readonly string[]): (address: string) => boolean {
  const cidrs = ranges.map(parseCidr);
  return (address) => {
    const bytes = parseIp(address);
    return bytes !== undefined && cidrs.some((cidr) => isInCidr(bytes, cidr));
  };
}

/**
 * Parses the flags for client addresses behind proxies.
 *
 * @throws {UsageError} A required flag or endpoint is missing.
 */
export function proxiesOf(
  flags: ProxyFlags,
  endpoints: readonly string[],
): { layers: Pick<ListenOptions, "layers" | "layersAboveTls">; isTrustedProxy?: (address: string) => boolean } {
  const schemes = new Set(endpoints.map((endpoint) => parseEndpoint(endpoint).scheme));
  const isWebSocket = schemes.has("ws") || schemes.has("wss");
  if (flags.trustedProxy.length > 0 && !isWebSocket) throw new UsageError("--trusted-proxy needs a ws or wss endpoint");
  return {
    layers: layersOf(flags, schemes),
    ...(flags.trustedProxy.length > 0 ? { isTrustedProxy: addressTest(flags.trustedProxy) } : {}),
  };
}

function layersOf(
  { proxyProtocol: mode, proxyFrom, proxyInsideTls }: ProxyFlags,
  schemes: ReadonlySet<Scheme>,
): Pick<ListenOptions, "layers" | "layersAboveTls"> {
  if (mode === undefined) {
    if (proxyFrom.length > 0) throw new UsageError("--proxy-from needs --proxy-protocol");
    if (proxyInsideTls) throw new UsageError("--proxy-inside-tls needs --proxy-protocol");
    return {};
  }
  // A Unix socket is protected by the mode of its file.
  if (proxyFrom.length === 0 && [...schemes].some((scheme) => scheme !== "unix" && scheme !== "ws+unix")) {
    throw new UsageError("--proxy-protocol needs --proxy-from: otherwise anyone could send a forged PROXY header");
  }
  if (proxyInsideTls && !schemes.has("tls") && !schemes.has("wss")) {
    throw new UsageError("--proxy-inside-tls needs a tls or wss endpoint");
  }
  const layers = [proxyProtocolLayer({ mode, isTrusted: addressTest(proxyFrom) })];
  return proxyInsideTls ? { layersAboveTls: layers } : { layers };
}
