/**
 * The PROXY protocol as a layer: a server reads the client's address from the header, and a client sends a header like
 * a proxy.
 *
 * @module
 */

import { ClosedEarlyError, FrameError } from "../../base/errors.ts";
import { isIp, parseIp } from "../../base/ip.ts";
import {
  encodeProxyHeader,
  mayBeProxyHeader,
  parseProxyHeader,
  type ProxyAddress,
  type ProxyHeader,
} from "../../framing/proxy_header.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../endpoint.ts";
import { HandshakeReader } from "../handshake_reader.ts";
import type { Layer, Peer } from "../layer.ts";
import { writeAll } from "../write_all.ts";

/** How a server handles PROXY headers. */
interface ProxyProtocolOptions {
  /**
   * `require` rejects connections without a header or from untrusted addresses; `accept` serves both with their own
   * address.
   */
  readonly mode: "require" | "accept";
  /**
   * Whether an address is a trusted proxy. Clients of Unix sockets are always trusted: the file's mode controls access.
   */
  readonly isTrusted: (address: string) => boolean;
}

/** Reads the header that a proxy sends before its client's first byte, and replaces the peer's address. */
export function proxyProtocolLayer({ mode, isTrusted }: ProxyProtocolOptions): Layer {
  return {
    name: "PROXY",
    replacesPeer: true,
    async wrap(inner, { remote }) {
      const endpoint = formatEndpoint(remote);
      if (isHostEndpoint(remote) && !isTrusted(remote.host)) {
        // Not parsed, because an untrusted client could forge a header.
        if (mode === "accept") return { transport: inner };
        throw new FrameError(`Cannot accept ${endpoint}: not a trusted proxy`);
      }
      const reader = new HandshakeReader(inner);
      const parse = (bytes: Uint8Array) =>
        mode === "accept" && !mayBeProxyHeader(bytes) ? { header: undefined, length: 0 } : parseProxyHeader(bytes);
      const parsed = await reader.read(parse).catch((error: unknown) => {
        if (!(error instanceof FrameError)) throw error;
        throw new FrameError(`Cannot accept ${endpoint}: ${error.message}`, { endpoint, cause: error });
      });
      if (parsed === null && mode === "require") {
        throw new ClosedEarlyError(`Cannot accept ${endpoint}: it closed the connection inside its PROXY header`, {
          endpoint,
        });
      }
      const addresses = parsed?.header?.addresses;
      const transport = reader.transport();
      return addresses === undefined ? { transport } : { transport, ...remoteOf(addresses.source, remote) };
    },
  };
}

/** A client of the proxy's own Unix socket is usually unnamed; the proxy's address is more useful. */
function remoteOf(source: ProxyAddress, real: Endpoint): { remote?: Endpoint } {
  if ("path" in source) return source.path === "" ? {} : { remote: { scheme: "unix", path: source.path } };
  const scheme = isHostEndpoint(real) ? real.scheme : "tcp";
  return { remote: { scheme, host: source.host, port: source.port, path: "/" } };
}

/** Options of {@linkcode proxyProtocolSender}. */
export interface SendProxyOptions {
  readonly version: 1 | 2;
  /** The client to report instead of the local address. */
  readonly source?: { readonly host: string; readonly port: number } | undefined;
  /** The destination to report instead of the server's address. */
  readonly destination?: { readonly host: string; readonly port: number } | undefined;
}

/** Sends a header with the client and its destination, like a load balancer. */
export function proxyProtocolSenderFor(version: 1 | 2, { local, remote }: Pick<Peer, "local" | "remote">): Layer {
  const [source, destination] = [addressOf(remote), addressOf(local)];
  return proxyProtocolSender({
    version,
    ...(source !== undefined && "host" in source ? { source } : {}),
    ...(destination !== undefined && "host" in destination ? { destination } : {}),
  });
}

/** Sends a header before any other data. */
export function proxyProtocolSender({ version, ...given }: SendProxyOptions): Layer {
  return {
    name: "PROXY",
    async wrap(inner, { local, remote }) {
      await writeAll(inner, encodeProxyHeader({ version, command: "proxy", addresses: ends(local, remote, given) }));
      return { transport: inner };
    },
  };
}

/** Both ends if they have addresses; behind another proxy only the server's name may be known. */
function ends(
  local: Endpoint,
  remote: Endpoint,
  { source, destination }: Omit<SendProxyOptions, "version">,
): ProxyHeader["addresses"] {
  const to = destination ?? addressOf(remote);
  // The local end of a Unix socket is unnamed.
  const from = source ?? (isHostEndpoint(local) ? addressOf(local) : { path: "" });
  if (from === undefined) return undefined;
  if ("path" in from) return to !== undefined && "path" in to ? { source: from, destination: to } : undefined;
  const unspecified = { host: parseIp(from.host)?.length === 16 ? "::" : "0.0.0.0", port: 0 };
  return { source: from, destination: to !== undefined && "host" in to ? to : unspecified };
}

function addressOf(endpoint: Endpoint): ProxyAddress | undefined {
  if (!isHostEndpoint(endpoint)) return { path: endpoint.path };
  return isIp(endpoint.host) ? { host: endpoint.host, port: endpoint.port } : undefined;
}
