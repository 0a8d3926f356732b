import { ParleyError, PermissionError, RefusedError, TimeoutError } from "../base/errors.ts";
import { basicCredentials } from "./authorization.ts";
import { HttpHeadReader, MAX_INTERIM, parseResponseHead } from "./head.ts";
import { encodeHead, reasonPhrase } from "./response.ts";
import { formatHostPort } from "../net/endpoint.ts";
import type { Proxy, TunnelHandshake } from "../net/proxy_dialer.ts";

/** Requests a tunnel from an HTTP proxy (RFC 9110, section 9.3.6). */
const httpConnectTunnel: TunnelHandshake = async (exchange, { host, port }, { user, password }) => {
  const authority = formatHostPort(host, port);
  const credentials = user === "" ? {} : { "Proxy-Authorization": basicCredentials(user, password) };
  await exchange.write(encodeHead(`CONNECT ${authority} HTTP/1.1`, { Host: authority, ...credentials }));
  for (let interim = 0; interim <= MAX_INTERIM; interim++) {
    const { status, reason, fields } = await exchange.read(parseResponse);
    if (status >= 200 && status < 300) return;
    if (status < 200) continue;
    const words = `${status} ${reason === "" ? reasonPhrase(status) : reason}`;
    const detail = fields.get("proxy-status");
    const hint = status === 407 && user === "" ? " (give a name and a password in the proxy's URL)" : "";
    throw exchange.error(kindOf(status), `${words}${detail === undefined ? "" : ` (${detail})`}${hint}`);
  }
  throw exchange.error(ParleyError, `there are more than ${MAX_INTERIM} interim responses`);
};

function parseResponse(bytes: Uint8Array) {
  const found = new HttpHeadReader().push(bytes);
  return found && { ...parseResponseHead(found.head), length: bytes.length - found.rest.length };
}

type ErrorKind = Parameters<Parameters<TunnelHandshake>[0]["error"]>[0];

/** The same classes as for a direct connection: refused, timed out, not permitted. */
function kindOf(status: number): ErrorKind {
  if (status === 502 || status === 503) return RefusedError;
  if (status === 504) return ConnectTimeout;
  return status === 403 || status === 407 ? PermissionError : ParleyError;
}

class ConnectTimeout extends TimeoutError {
  constructor(message: string, options: ConstructorParameters<typeof TimeoutError>[2]) {
    super("connect", message, options);
  }
}

/** The handshake for a proxy's scheme, loaded lazily. */
export async function tunnelFor({ scheme }: Proxy): Promise<TunnelHandshake> {
  if (scheme === "http" || scheme === "https") return httpConnectTunnel;
  const { socks4Tunnel, socks5Tunnel } = await import("../net/layers/socks.ts");
  return scheme === "socks5" ? socks5Tunnel : socks4Tunnel;
}
