/**
 * Endpoints: one grammar for flags, arguments, log lines and calls.
 *
 * @module
 */

import { DEFAULTS } from "../base/defaults.ts";
import { isIp, targetAddress } from "../base/ip.ts";

/** All schemes. */
const SCHEMES = ["tcp", "tls", "ws", "wss", "unix", "ws+unix", "udp", "unixgram"] as const;

/** A scheme of an endpoint. */
export type Scheme = typeof SCHEMES[number];

/** An endpoint with a host and a port. */
export interface HostEndpoint {
  /** The protocol. */
  readonly scheme: "tcp" | "tls" | "ws" | "wss" | "udp";
  /** A host name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 0 to 65,535; 0 picks a free port when listening. */
  readonly port: number;
  /** Path and query of `ws` and `wss`; `"/"` otherwise. */
  readonly path: string;
  /** Decoded user information of `ws` and `wss`; never printed. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

/** An endpoint in the file system. */
export interface PathEndpoint {
  /** Stream, WebSocket or datagrams. */
  readonly scheme: "unix" | "ws+unix" | "unixgram";
  /** Path of the socket file. */
  readonly path: string;
  /** Path and query of `ws+unix`; `"/"` by default. */
  readonly requestPath?: string;
  /** It has none. */
  readonly host?: undefined;
  /** It has none. */
  readonly port?: undefined;
}

/**
 * The address of a socket. Those that the library returns print themselves.
 *
 * @example A port that was picked
 * ```ts
 * import { listen } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * assertEquals(`${listener.endpoint}`, `tcp://127.0.0.1:${listener.endpoint.port}`);
 * ```
 */
export type Endpoint = HostEndpoint | PathEndpoint;

/** A full text of a {@linkcode HostEndpoint}: what is opened by it is known to have a port. */
export type HostEndpointText = `${HostEndpoint["scheme"]}://${string}`;

const PRINTABLE: object = {
  toString(this: Endpoint): string {
    return formatEndpoint(this);
  },
};

/** The endpoint with its own `toString()`. */
export function printable<E extends Endpoint>(endpoint: E): E {
  if (Object.getPrototypeOf(endpoint) === PRINTABLE) return endpoint;
  return Object.assign(Object.create(PRINTABLE), endpoint);
}

/** Defaults for the short forms. */
export interface ParseEndpointOptions {
  /**
   * Default scheme.
   *
   * @default {"tcp"}
   */
  scheme?: HostEndpoint["scheme"];
  /** Default port; without it a text without a port is rejected. */
  port?: number | undefined;
}

/** Maximum path length of a Unix socket: `sun_path` has 108 bytes including the terminating NUL on Linux, unix(7). */
const UNIX_PATH_BYTES = 107;

const EXAMPLES: Readonly<Record<Scheme, string>> = {
  tcp: "tcp://127.0.0.1:8888",
  tls: "tls://db.internal:5433",
  ws: "ws://localhost:8765/chat",
  wss: "wss://localhost:8765/chat",
  unix: "unix:/run/app.sock",
  "ws+unix": "ws+unix:/run/app.sock:/chat",
  udp: "udp://127.0.0.1:5000",
  unixgram: "unixgram:/run/x.sock",
};

/**
 * Parses an endpoint: `tcp://127.0.0.1:8888`, `unix:/run/app.sock`, `ws://localhost:8765/chat`, or a short form such as
 * `8888`, `:8888`, `0.0.0.0:8888`, `[::1]:8888`, `db.internal:5433`.
 *
 * @example Full and short forms
 * ```ts
 * import { formatEndpoint, parseEndpoint } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatEndpoint(parseEndpoint("8888")), "tcp://127.0.0.1:8888");
 * assertEquals(formatEndpoint(parseEndpoint("[::1]:53", { scheme: "udp" })), "udp://[::1]:53");
 * ```
 *
 * @throws {SyntaxError} The text is not an endpoint; the message says why and gives an example.
 */
export function parseEndpoint(text: string, options: ParseEndpointOptions = {}): Endpoint {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  const named = match?.[1]?.toLowerCase();
  if (match && named !== undefined && (isScheme(named) || match[2]?.startsWith("//"))) {
    if (!isScheme(named)) {
      const known = SCHEMES.join(", ");
      throw refuse(text, `unknown scheme "${named}" (known: ${known})`, "tcp");
    }
    const rest = match[2] ?? "";
    if (named === "unix" || named === "unixgram") return parsePath(text, named, rest);
    if (named === "ws+unix") return parseWebSocketPath(text, rest);
    if (!rest.startsWith("//")) throw refuse(text, `"//" must follow "${named}:"`, named);
    return parseHost(text, named, rest.slice(2), {
      port: named === "ws" ? 80 : named === "wss" ? 443 : options.port,
    });
  }
  return parseHost(text, options.scheme ?? "tcp", text, options);
}

/** Formats an endpoint; {@linkcode parseEndpoint} parses the result. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (!isHostEndpoint(endpoint)) {
    const request = requestPathOf(endpoint);
    return `${endpoint.scheme}:${endpoint.path}${request === "/" ? "" : `:${request}`}`;
  }
  const path = isWebSocket(endpoint) ? endpoint.path : "";
  return `${endpoint.scheme}://${formatHostPort(endpoint.host, endpoint.port)}${path}`;
}

/** `host:port`, with brackets around an IPv6 address (RFC 3986, section 3.2.2). */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Like {@linkcode formatHostPort}, without the default port of the scheme: the `Host` field (RFC 9110, section 4.2).
 */
export function formatAuthority(host: string, port: number, ownPort: number): string {
  const text = formatHostPort(host, port);
  return port === ownPort ? text.replace(/:\d+$/, "") : text;
}

/** Whether the endpoint has a host and a port. */
export function isHostEndpoint(endpoint: Endpoint): endpoint is HostEndpoint {
  return endpoint.scheme !== "unix" && endpoint.scheme !== "ws+unix" && endpoint.scheme !== "unixgram";
}

/** The endpoint to connect to: loopback in place of an unspecified address (`0.0.0.0`, `::`). */
export function reachableEndpoint(endpoint: Endpoint): Endpoint {
  return isHostEndpoint(endpoint) ? { ...endpoint, host: targetAddress(endpoint.host) } : endpoint;
}

/** Whether the endpoint is connection-oriented. */
export function isStream({ scheme }: Endpoint): boolean {
  return scheme !== "udp" && scheme !== "unixgram";
}

/** Whether the endpoint uses WebSocket. */
export function isWebSocket({ scheme }: Endpoint): boolean {
  return scheme === "ws" || scheme === "wss" || scheme === "ws+unix";
}

/** Path and query of the WebSocket request. */
export function requestPathOf(endpoint: Endpoint): string {
  return isHostEndpoint(endpoint) ? endpoint.path : endpoint.requestPath ?? "/";
}

/** Whether the endpoint uses TLS. */
export function isSecure(endpoint: Endpoint): endpoint is HostEndpoint {
  return endpoint.scheme === "tls" || endpoint.scheme === "wss";
}

function isScheme(text: string): text is Scheme {
  return (SCHEMES as readonly string[]).includes(text);
}

function parsePath(text: string, scheme: PathEndpoint["scheme"], rest: string): PathEndpoint {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path === "") throw refuse(text, "the path of the socket is missing", scheme);
  const isUsable = scheme !== "unixgram" && Deno.build.os === "linux" && path !== "@";
  if (path.startsWith("@") && !isUsable) {
    throw refuse(
      text,
      `abstract sockets (@NAME) exist on Linux, for streams only; a file is ${scheme}:./${path}`,
      scheme,
    );
  }
  if (path.includes("\0")) throw refuse(text, "the path contains a NUL character", scheme);
  if (new TextEncoder().encode(path).length > UNIX_PATH_BYTES) {
    throw refuse(text, `the path is longer than ${UNIX_PATH_BYTES} bytes`, scheme);
  }
  return printable({ scheme, path });
}

/** As in Node's `ws`, a colon separates the two paths, so the file name cannot contain one. */
function parseWebSocketPath(text: string, rest: string): PathEndpoint {
  const [, file = "", request = "/"] = /^([^:]*)(?::(.*))?$/s.exec(rest) ?? [];
  if (!/^[/?]/.test(request)) throw refuse(text, "the path after the socket's must begin with /", "ws+unix");
  const { path } = parsePath(text, "ws+unix", file);
  return { scheme: "ws+unix", path, requestPath: parseRequestPath(text, "ws+unix", request) };
}

function parseRequestPath(text: string, scheme: Scheme, tail: string): string {
  if (/[\s#\p{Cc}]/u.test(tail)) throw refuse(text, "the path contains a space or a #", scheme);
  return encodePath(tail.startsWith("?") ? `/${tail}` : tail);
}

function parseHost(
  text: string,
  scheme: HostEndpoint["scheme"],
  rest: string,
  options: ParseEndpointOptions,
): HostEndpoint {
  const slash = rest.search(/[/?]/);
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const tail = slash === -1 ? "" : rest.slice(slash);
  const takesPath = scheme === "ws" || scheme === "wss";
  if (tail !== "" && tail !== "/" && !takesPath) throw refuse(text, `${scheme} does not accept a path`, scheme);
  const path = takesPath && tail !== "" ? parseRequestPath(text, scheme, tail) : "/";
  const at = takesPath ? authority.lastIndexOf("@") : -1;
  const [host, port] = splitAuthority(text, scheme, authority.slice(at + 1), options.port);
  const credentials = at === -1 ? {} : { credentials: parseCredentials(text, scheme, authority.slice(0, at)) };
  return printable({ scheme, host: checkHost(text, scheme, host), port, path, ...credentials });
}

function parseCredentials(text: string, scheme: Scheme, userInfo: string): { user: string; password: string } {
  const colon = userInfo.indexOf(":");
  const parts = colon === -1 ? [userInfo, ""] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  if (parts.some((part) => /%(?![0-9A-Fa-f]{2})/.test(part))) {
    throw refuse(text, "a % in the user information must begin an escape such as %40", scheme);
  }
  const [user = "", password = ""] = parts.map(decodeURIComponent);
  return { user, password };
}

/** Percent-encodes characters that are not allowed in a URI (RFC 3986, section 2.1); existing escapes stay. */
function encodePath(path: string): string {
  return path.toWellFormed().replaceAll(/[^!-~]|["<>\\^`{|}]/gu, encodeURIComponent);
}

function splitAuthority(
  text: string,
  scheme: Scheme,
  authority: string,
  defaultPort: number | undefined,
): [string, number] {
  if (authority.includes("@")) throw refuse(text, "a user name is not allowed", scheme);
  if (/^\d+$/.test(authority)) return [DEFAULTS.host, checkPort(text, scheme, authority)];
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(authority);
  if (bracketed) {
    if (!bracketed[1]?.includes(":")) throw refuse(text, "brackets are for IPv6 addresses", scheme);
    return [bracketed[1], checkPort(text, scheme, bracketed[2] ?? defaultPort)];
  }
  const colons = authority.split(":").length - 1;
  if (colons > 1) throw refuse(text, "an IPv6 address needs brackets, as in [::1]:8888", scheme);
  const [host, port] = authority.split(":");
  return [host === "" || host === undefined ? DEFAULTS.host : host, checkPort(text, scheme, port ?? defaultPort)];
}

function checkPort(text: string, scheme: Scheme, port: string | number | undefined): number {
  if (port === undefined || port === "") {
    const isPortLike = /^\d+[^\d.]/.test(text) && !text.includes(":");
    throw refuse(text, isPortLike ? `"${text}" is neither a port nor HOST:PORT` : "the port is missing", scheme);
  }
  if (!/^\d{1,9}$/.test(String(port)) || Number(port) > 65_535) {
    throw refuse(text, `port "${port}" is not a number from 0 to 65535`, scheme);
  }
  return Number(port);
}

function checkHost(text: string, scheme: Scheme, host: string): string {
  if (host.includes("%")) {
    throw refuse(text, "zones (%) are not supported", scheme);
  }
  if (host.includes(":") || /^[\d.]+$/.test(host)) {
    if (!isIp(host)) throw refuse(text, `"${host}" is not an IP address`, scheme);
    return host;
  }
  // Letters, digits, hyphens (RFC 1123, section 2.1), and underscores, which container networks use.
  const label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
  if (host.length > 253 || !new RegExp(`^${label}(?:\\.${label})*\\.?$`).test(host)) {
    throw refuse(text, `"${host}" is not a host name`, scheme);
  }
  return host;
}

/** User information is not shown, as it may contain a password. */
function refuse(text: string, found: string, scheme: Scheme): SyntaxError {
  // Everything before an "@" may contain a password, even if it is misplaced or not encoded.
  const shown = /^(?:ws\+)?unix/i.test(text) ? text : text.replace(/^([a-z][\w+.-]*:\/\/)?.*@/is, "$1...@");
  return new SyntaxError(`Cannot parse endpoint "${shown}": ${found}; for example ${EXAMPLES[scheme]}`);
}
