/**
 * Connections through proxies: SOCKS 5, SOCKS 4a, and HTTP CONNECT over TCP or TLS. A proxy is reached through another
 * dialer, so proxies can be chained.
 *
 * @module
 */

import { isInCidr, parseCidr } from "../base/cidr.ts";
import {
  ClosedEarlyError,
  FrameError,
  messageOf,
  ParleyError,
  type ParleyErrorOptions,
  RefusedError,
  ResolveError,
  UsageError,
} from "../base/errors.ts";
import { isSameIp, parseIp } from "../base/ip.ts";
import {
  type Endpoint,
  formatEndpoint,
  formatHostPort,
  type HostEndpoint,
  isHostEndpoint,
  isSecure,
} from "./endpoint.ts";
import { HandshakeReader, type Parsed } from "./handshake_reader.ts";
import type { Dialed, Dialer, DialerOptions } from "./layer.ts";
import { resolve } from "./resolve.ts";
import { toSocketError } from "./socket_error.ts";
import { abortable } from "./wait.ts";
import { writeAll } from "./write_all.ts";

const PORTS = { socks5: 1080, socks4a: 1080, http: 80, https: 443 } as const;

/** Proxy protocols. */
type ProxyScheme = keyof typeof PORTS;

/** A parsed proxy URL. */
export interface Proxy {
  readonly scheme: ProxyScheme;
  readonly host: string;
  readonly port: number;
  /** `""` if there is none. */
  readonly user: string;
  /** Never logged. */
  readonly password: string;
  /** For display, without user information. */
  readonly text: string;
}

/**
 * Parses `socks5://[user:password@]host[:port]`, `socks4a://`, `http://` or `https://`.
 *
 * @throws {SyntaxError} The URL is invalid; the message never contains the password.
 */
export function parseProxy(text: string): Proxy {
  const [, name, rest = ""] = /^([A-Za-z][\w+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  // curl's name for remote name resolution, which is the default here.
  const scheme = name?.toLowerCase() === "socks5h" ? "socks5" : name?.toLowerCase();
  const known = Object.keys(PORTS).join(", ");
  if (scheme === undefined) throw refuse("it must be a URL");
  if (!isProxyScheme(scheme)) throw refuse(`unknown scheme "${scheme}" (known: ${known})`);
  // The URL parser does not validate hosts of schemes that it does not know.
  const url = URL.parse(`http://${rest}`);
  if (url === null || url.hostname === "") throw refuse("it is not a valid URL");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") throw refuse("a proxy URL has no path");
  const explicit = /:(\d+)\/?$/.exec(rest.slice(rest.lastIndexOf("@") + 1))?.[1];
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(explicit ?? PORTS[scheme]);
  if (/%(?![0-9A-Fa-f]{2})/.test(url.username + url.password)) throw refuse("a % must begin an escape such as %40");
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  if (scheme === "socks4a" && password !== "") throw refuse("SOCKS 4 has no passwords");
  if (user === "" && password !== "") throw refuse("a password needs a user name");
  return { scheme, host, port, user, password, text: `${scheme}://${formatHostPort(host, port)}` };
}

function isProxyScheme(text: string): text is ProxyScheme {
  return Object.hasOwn(PORTS, text);
}

function refuse(found: string): SyntaxError {
  return new SyntaxError(`Cannot parse the proxy: ${found}; for example socks5://127.0.0.1:1080`);
}

/** Messages of a handshake with a proxy. */
export interface ProxyExchange {
  write(bytes: Uint8Array): Promise<void>;
  /** Reads the next message; throws at the end of the stream. */
  read<T extends Parsed>(parse: (bytes: Uint8Array) => T | undefined): Promise<T>;
  /** Creates the error for a rejection, with the proxy's message. */
  error(Kind: new (message: string, options: ParleyErrorOptions) => ParleyError, words: string): ParleyError;
}

/** Requests a connection from a proxy; throws if it is rejected. */
export type TunnelHandshake = (
  exchange: ProxyExchange,
  to: { readonly host: string; readonly port: number },
  proxy: Proxy,
) => Promise<void>;

/** Options of {@linkcode proxyDialer}. */
interface ProxyDialerOptions {
  /** Dialer for the proxy itself; for an `https` proxy it must use TLS. */
  readonly via: Dialer;
  /** The proxy's URL. */
  readonly tunnelFor: (proxy: Proxy) => Promise<TunnelHandshake>;
  /** Resolves names locally and sends addresses to the proxy. */
  readonly resolvesLocally?: boolean | undefined;
}

/**
 * Opens connections through a proxy.
 *
 * `dial()` throws a `RefusedError`, `TimeoutError` or `PermissionError`, depending on the proxy's reply.
 */
export function proxyDialer(proxy: Proxy, options: ProxyDialerOptions): Dialer {
  const dialer: Dialer = {
    async dial(to, dialing) {
      const { dialed } = await throughProxy(proxy, options.via, to, dialing, async (exchange) => {
        const tunnel = await options.tunnelFor(proxy);
        await tunnel(exchange, await targetOf(to, options, dialing), proxy);
      });
      return dialed;
    },
  };
  const associateVia = options.via.associate;
  if (proxy.scheme !== "socks5" || associateVia === undefined) return dialer;
  return {
    ...dialer,
    async associate(to, dialing) {
      const { requestRelay, SocksDatagrams } = await import("./layers/socks_datagrams.ts");
      const { host: asked } = await targetOf(to, options, dialing);
      const { dialed, result: relay } = await throughProxy(
        proxy,
        options.via,
        to,
        dialing,
        (exchange, remote) => requestRelay(exchange, proxy, isHostEndpoint(remote) ? remote.host : proxy.host),
      );
      try {
        const socket = await associateVia(relay, dialing);
        return SocksDatagrams.open({ socket, control: dialed.transport, relay, to, asked, proxy: proxy.text });
      } catch (error) {
        dialed.transport.close();
        throw error;
      }
    },
  };
}

/** Connects to a proxy and performs a handshake; on failure the connection is closed. */
async function throughProxy<T>(
  proxy: Proxy,
  via: Dialer,
  to: Parameters<Dialer["dial"]>[0],
  dialing: DialerOptions,
  handshake: (exchange: ProxyExchange, proxy: Endpoint) => Promise<T>,
): Promise<{ dialed: Dialed; result: T }> {
  const { log, signal } = dialing;
  const route = `${formatEndpoint(to)} through ${proxy.text}`;
  if (!isHostEndpoint(to)) throw new UsageError(`Cannot connect to ${route}: a proxy cannot connect to Unix sockets`);
  const end = { scheme: "tcp", host: proxy.host, port: proxy.port, path: "/" } as const;
  const dialed = await via.dial(end, dialing).catch((error: unknown) => {
    throw unreachableProxy(error, route);
  });
  const shake = async () => {
    const reader = new HandshakeReader(dialed.transport);
    const result = await handshake({
      write: (bytes) => writeAll(dialed.transport, bytes),
      async read(parse) {
        const message = await reader.read(parse);
        if (message !== null) return message;
        const text = `Cannot connect to ${route}: the proxy closed the connection before it answered`;
        throw new ClosedEarlyError(text, { endpoint: proxy.text, received: reader.unreadCount });
      },
      error: (Kind, words) => new Kind(`Cannot connect to ${route}: ${words}`, { endpoint: proxy.text }),
    }, dialed.remote);
    log.debug(`connected to ${route}`);
    return { transport: reader.transport(), result };
  };
  try {
    const { transport, result } = await abortable(shake(), { signal });
    const ends = { local: dialed.local, remote: to, proxy: dialed.proxy ?? dialed.remote };
    return { dialed: { transport, ...ends }, result };
  } catch (error) {
    dialed.transport.close();
    if (error instanceof FrameError) {
      const text = `Cannot connect to ${route}: the proxy does not speak ${proxy.scheme}: ${error.message}`;
      throw new ParleyError(text, { endpoint: proxy.text, cause: error });
    }
    throw signal.aborted ? error : toSocketError(error, "connect to", route);
  }
}

/** Keeps the class and thus the exit code; the message names the proxy, not the target, as the cause. */
function unreachableProxy(error: unknown, route: string): unknown {
  const Kind = [RefusedError, ResolveError].find((Kind) => error instanceof Kind);
  if (Kind === undefined) return error;
  return new Kind(`Cannot connect to ${route}: cannot reach the proxy: ${messageOf(error)}`, { cause: error });
}

async function targetOf(
  to: Parameters<Dialer["dial"]>[0],
  { resolvesLocally }: ProxyDialerOptions,
  { resolveTimeoutMs, signal }: DialerOptions,
): Promise<Pick<HostEndpoint, "host" | "port">> {
  if (!isHostEndpoint(to)) throw new TypeError(`Cannot ask a proxy for ${formatEndpoint(to)}`);
  if (!resolvesLocally) return to;
  const [first] = await resolve(to.host, { timeout: resolveTimeoutMs, signal });
  return { host: first?.address ?? to.host, port: to.port };
}

/** Environment variables for proxies. */
export const PROXY_VARIABLES = ["ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"] as const;

/** One of {@linkcode PROXY_VARIABLES}. */
export type ProxyVariable = typeof PROXY_VARIABLES[number];

/**
 * Connects through the proxy from the environment: `HTTPS_PROXY` for TLS, `ALL_PROXY` for all targets, none for hosts
 * in `NO_PROXY`.
 */
export function environmentDialer(
  variables: (name: ProxyVariable) => string | undefined,
  direct: Dialer,
  through: (proxy: Proxy) => Dialer,
): Dialer {
  const all = parseVariable(variables("ALL_PROXY"));
  const secure = parseVariable(variables("HTTPS_PROXY")) ?? all;
  const exempt = (variables("NO_PROXY") ?? "").split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
  return {
    dial(to, options) {
      const proxy = isSecure(to) ? secure : all;
      const isDirect = proxy === undefined || !isHostEndpoint(to) || exempt.some((entry) => isExempt(to, entry));
      return (isDirect ? direct : through(proxy)).dial(to, options);
    },
  };
}

function parseVariable(text: string | undefined): Proxy | undefined {
  if (text === undefined || text === "") return undefined;
  return parseProxy(text.includes("://") ? text : `http://${text}`);
}

/**
 * `*`, a host, a domain with or without a leading dot, an address or an address range; all but `*` with an optional
 * port.
 */
function isExempt({ host, port }: HostEndpoint, entry: string): boolean {
  if (entry === "*") return true;
  const [, name = entry, onlyPort] = /^(\[[^\]]*\]|[^:]*|.*\/\d+)(?::(\d+))?$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  if (name.includes("/")) {
    const address = parseIp(host);
    return address !== undefined && isInCidr(address, parseCidr(name));
  }
  const plain = name.replace(/^\[(.*)\]$/, "$1").replace(/^\./, "").toLowerCase();
  const wanted = host.toLowerCase();
  return isSameIp(plain, wanted) || wanted === plain || wanted.endsWith(`.${plain}`);
}
