/**
 * The PROXY protocol as a layer: a server learns from it whom a proxy speaks
 * for, and a client sends it as a proxy would.
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
import type { Layer } from "../layer.ts";
import { writeAll } from "../write_all.ts";

/** How a server takes the headers of proxies. */
export interface ProxyProtocolOptions {
  /**
   * `require` rejects connections without a header, and those that are not from
   * a trusted proxy; `accept` serves both as they are.
   */
  readonly mode: "require" | "accept";
  /** Whether an address is that of a proxy whose word counts; clients of Unix sockets are trusted by their file's mode. */
  readonly isTrusted: (address: string) => boolean;
}

/** Reads the header that a proxy sends before the first byte of its client, and replaces the peer's address by it. */
export function proxyProtocolLayer({ mode, isTrusted }: ProxyProtocolOptions): Layer {
  return {
    name: "PROXY",
    replacesPeer: true,
    async wrap(inner, { remote }) {
      const endpoint = formatEndpoint(remote);
      if (isHostEndpoint(remote) && !isTrusted(remote.host)) {
        // Never parsed as a header: an untrusted client could send one.
        if (mode === "accept") return { transport: inner };
        throw new FrameError(`Cannot accept ${endpoint}: its address is not that of a trusted proxy`);
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

/** A client of the proxy's own Unix socket has no name as a rule: then the proxy's address says more. */
function remoteOf(source: ProxyAddress, real: Endpoint): { remote?: Endpoint } {
  if ("path" in source) return source.path === "" ? {} : { remote: { scheme: "unix", path: source.path } };
  const scheme = isHostEndpoint(real) ? real.scheme : "tcp";
  return { remote: { scheme, host: source.host, port: source.port, path: "/" } };
}

/** What {@linkcode proxyProtocolSender} sends. */
export interface SendProxyOptions {
  readonly version: 1 | 2;
  /** The client to speak for, instead of our own address. */
  readonly source?: { readonly host: string; readonly port: number } | undefined;
  /** Where that client connected to, instead of the server's address. */
  readonly destination?: { readonly host: string; readonly port: number } | undefined;
}

/** Sends a header that names a client and the address that it connected to, as a load balancer does. */
export function proxyProtocolSenderFor(version: 1 | 2, { local, remote }: ConnectionEnds): Layer {
  const [source, destination] = [addressOf(remote), addressOf(local)];
  return proxyProtocolSender({
    version,
    ...(source !== undefined && "host" in source ? { source } : {}),
    ...(destination !== undefined && "host" in destination ? { destination } : {}),
  });
}

interface ConnectionEnds {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** Sends a header before anything else, as a proxy does. */
export function proxyProtocolSender({ version, ...given }: SendProxyOptions): Layer {
  return {
    name: "PROXY",
    async wrap(inner, { local, remote }) {
      await writeAll(inner, encodeProxyHeader({ version, command: "proxy", addresses: ends(local, remote, given) }));
      return { transport: inner };
    },
  };
}

/** Both ends, as far as they have addresses: behind another proxy the server may be known by its name alone. */
function ends(
  local: Endpoint,
  remote: Endpoint,
  { source, destination }: Omit<SendProxyOptions, "version">,
): ProxyHeader["addresses"] {
  const to = destination ?? addressOf(remote);
  // Our own end of a Unix socket has no name.
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
