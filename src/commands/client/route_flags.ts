import { missingPermission, PermissionError, UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import type { ConnectOptions } from "../../net/options.ts";
import { isIp, splitHostPort } from "../../base/ip.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import type { Route } from "../../http/route.ts";
import { parseProxy, PROXY_VARIABLES } from "../../net/proxy_dialer.ts";

/** Flags of commands that connect: proxies, PROXY header and local address. */
export const ROUTE_FLAGS = inGroup(
  "Proxy",
  {
    proxy: {
      type: "text",
      repeat: true,
      placeholder: "URL",
      help: "connect through socks5://, socks4a://, http:// or https://HOST:PORT, several in turn; env: ALL_PROXY etc.",
    },
    proxyResolve: { type: "choice", choices: ["proxy", "local"], default: "proxy", help: "where names are resolved" },
    proxyCa: { type: "text", placeholder: "FILE", help: "trust the certificates in FILE (PEM) for an https proxy" },
    sendProxy: { type: "choice", choices: ["v1", "v2"], help: "send a PROXY header first, as a load balancer does" },
    sendProxySource: { type: "text", placeholder: "ADDRESS:PORT", help: "client address in the PROXY header" },
    bind: { type: "text", placeholder: "ADDRESS[:PORT]", help: "connect from this address of the machine" },
    ipv4: { type: "boolean", short: "4", help: "use IPv4 addresses only" },
    ipv6: { type: "boolean", short: "6", help: "use IPv6 addresses only" },
  } as const satisfies FlagTable,
);

type RouteFlags = FlagValues<typeof ROUTE_FLAGS>;

/** `connect()` options for the route from the flags. Throws like {@linkcode routeOf}. */
export async function routeConnectOptions(flags: RouteFlags): Promise<Pick<ConnectOptions, "dialer" | "layers">> {
  const route = await routeOf(flags);
  if (route === undefined) return {};
  const { routeOptions } = await import("../../http/route.ts");
  return routeOptions(route);
}

/** Whether `--proxy env` reads environment variables; otherwise a command drops the permission first. */
export function readsProxyVariables({ proxy }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(proxy) && proxy.includes("env");
}

/**
 * The route from the flags; `undefined` without any, so that nothing is loaded.
 *
 * @throws {UsageError} A required flag or a file is missing.
 * @throws {SyntaxError} A proxy cannot be parsed.
 */
export async function routeOf(flags: RouteFlags): Promise<Route | undefined> {
  const { proxy, proxyCa, sendProxy, sendProxySource, bind } = flags;
  if (flags.ipv4 && flags.ipv6) throw new UsageError("-4 and -6 cannot be combined");
  const family = flags.ipv4 ? 4 : flags.ipv6 ? 6 : undefined;
  if (sendProxySource !== undefined && sendProxy === undefined) {
    throw new UsageError("--send-proxy-source needs --send-proxy");
  }
  const usesEnvironment = readsProxyVariables(flags);
  if (usesEnvironment && proxy.length > 1) throw new UsageError("--proxy env cannot be combined with another --proxy");
  const proxies = usesEnvironment ? [] : proxy.map(parseProxy);
  if (proxy.length === 0 && flags.proxyResolve === "local") throw new UsageError("--proxy-resolve needs --proxy");
  if (proxyCa !== undefined && !usesEnvironment && !proxies.some(({ scheme }) => scheme === "https")) {
    throw new UsageError("--proxy-ca needs an https proxy");
  }
  const isDefault = proxy.length === 0 && sendProxy === undefined && bind === undefined && family === undefined;
  if (isDefault) return undefined;
  return {
    proxies,
    environment: usesEnvironment ? proxyVariables() : undefined,
    resolvesLocally: flags.proxyResolve === "local",
    proxyCa: proxyCa === undefined ? undefined : await readNamedFile(proxyCa, "the CA certificates of the proxy"),
    from: bind === undefined ? undefined : parseAddress("--bind", bind, 0),
    family,
    sendProxy: sendProxy && {
      version: sendProxy === "v1" ? 1 : 2,
      source: sendProxySource === undefined ? undefined : parseAddress("--send-proxy-source", sendProxySource),
    },
  };
}

/** Lower-case names take precedence, as in other programs. */
function proxyVariables(): Route["environment"] {
  const names = PROXY_VARIABLES.map((name) => [name.toLowerCase(), name] as const);
  try {
    return Object.fromEntries(names.flatMap(([lower, name]) => {
      const value = Deno.env.get(lower) ?? Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    const flag = missingPermission(`--allow-env=${names.flat()}`);
    throw new PermissionError(`Cannot read the variables of --proxy env: ${flag}`, { cause });
  }
}

/** Parses a numeric address, with a port if there is no default. */
function parseAddress(flag: string, text: string, defaultPort?: number): { host: string; port: number } {
  const { host = text, port = defaultPort } = splitHostPort(text) ?? {};
  if (!isIp(host) || port === undefined) {
    const form = defaultPort === undefined ? "ADDRESS:PORT, as in 203.0.113.9:51234" : "ADDRESS or ADDRESS:PORT";
    throw new UsageError(`${flag}: Cannot use "${text}": expected ${form}; an IPv6 address with a port needs brackets`);
  }
  return { host, port };
}
