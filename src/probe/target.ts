/**
 * Targets of protocol probes: URLs such as `postgres://user:pass@db:5432/app`.
 *
 * @module
 */

import { type Endpoint, formatEndpoint, formatHostPort, isHostEndpoint, isSecure } from "../net/endpoint.ts";
import type { ProbeDefinition, ProbeTarget } from "./probe.ts";

/**
 * Parses a target of a protocol probe.
 *
 * @throws {SyntaxError} The target cannot be parsed.
 */
export function parseTarget(text: string, scheme: string, definition: ProbeDefinition): ProbeTarget {
  const rest = text.slice(text.indexOf(":") + 1);
  const isTls = definition.tls?.includes(scheme) ?? false;
  const none = { scheme, host: "", port: 0, query: new URLSearchParams(), name: "", user: "", password: "", isTls };
  if (definition.ports === undefined) {
    if (rest.trim() === "") throw refuse(`${scheme}:`, `nothing follows "${scheme}:"`, definition);
    return { ...none, text: `${scheme}:${rest}`, path: rest };
  }
  // The URL parser normalizes hosts and paths only of schemes such as `http:`, so the scheme is replaced.
  const url = URL.parse(`http:${rest}`);
  // A text that cannot be parsed is not shown, since it may contain a password.
  if (!rest.startsWith("//") || url === null) throw refuse(`${scheme}://...`, whyInvalid(rest), definition);
  const defaultPort = definition.ports[scheme];
  const explicit = explicitPort(rest);
  const port = explicit ?? defaultPort;
  if (port === undefined) throw refuse(`${scheme}://${url.hostname}`, "the port is missing", definition);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const path = `${url.pathname}${url.search}`;
  return {
    ...none,
    text: `${scheme}://${formatHostPort(host, port)}${path === "/" ? "" : path}`,
    host,
    port,
    path,
    name: decodePercent(url.pathname.slice(1)),
    query: url.searchParams,
    user: decodePercent(url.username),
    password: decodePercent(url.password),
  };
}

export function socketTarget(endpoint: Endpoint): ProbeTarget {
  const isHost = isHostEndpoint(endpoint);
  return {
    text: formatEndpoint(endpoint),
    endpoint,
    scheme: endpoint.scheme,
    host: isHost ? endpoint.host : "",
    port: isHost ? endpoint.port : 0,
    path: endpoint.path,
    name: "",
    query: new URLSearchParams(),
    user: "",
    password: "",
    isTls: isSecure(endpoint),
  };
}

/** The URL parser drops a port that is the default of its scheme. */
function explicitPort(rest: string): number | undefined {
  const digits = /^\/\/[^/?#]*:(\d+)(?=[/?#]|$)/.exec(rest)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that starts no valid sequence is kept, as in browsers.
    return text;
  }
}

function whyInvalid(rest: string): string {
  const port = /:(\d+)(?:[/?#]|$)/.exec(rest.slice(rest.lastIndexOf("@") + 1))?.[1];
  if (Number(port) > 65_535) return `port ${port} is not a number from 0 to 65535`;
  const isUserInfo = rest.includes("@");
  return `it is not a valid URL${isUserInfo ? "; special characters in a password must be percent-encoded" : ""}`;
}

function refuse(shown: string, reason: string, definition: ProbeDefinition): SyntaxError {
  const [scheme = ""] = definition.schemes;
  const port = definition.ports?.[scheme];
  const example = definition.ports === undefined ? `${scheme}:...` : `${scheme}://db.internal${port ? `:${port}` : ""}`;
  return new SyntaxError(`Cannot parse the endpoint "${shown}": ${reason}; for example ${example}`);
}
