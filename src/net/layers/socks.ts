import { ParleyError, PermissionError, RefusedError } from "../../base/errors.ts";
import {
  encodeSocks4Request,
  encodeSocksGreeting,
  encodeSocksLogIn,
  encodeSocksRequest,
  parseSocks4Reply,
  parseSocksChoice,
  parseSocksRequest,
  SOCKS_COMMAND,
  SOCKS_METHOD,
  SOCKS_REPLY,
  type SocksAddress,
  socksReplyText,
} from "../../framing/socks.ts";
import type { TunnelHandshake } from "../proxy_dialer.ts";

/** Exit codes depend on these classes: unreachable and not allowed are different. */
const UNREACHABLE: ReadonlySet<number> = new Set([
  SOCKS_REPLY.networkUnreachable,
  SOCKS_REPLY.hostUnreachable,
  SOCKS_REPLY.refused,
  SOCKS_REPLY.ttlExpired,
]);

/** Requests a connection from a SOCKS 5 proxy (RFC 1928), with authentication (RFC 1929) if required. */
export const socks5Tunnel: TunnelHandshake = async (exchange, to, proxy) => {
  await logIn(exchange, proxy);
  await requestSocks5(exchange, SOCKS_COMMAND.connect, to);
};

/**
 * Sends a request and reads the reply; `connect` and `udp associate` differ in the command only.
 *
 * @returns The address in the reply.
 */
export async function requestSocks5(
  exchange: Parameters<TunnelHandshake>[0],
  command: number,
  to: SocksAddress,
): Promise<SocksAddress> {
  await exchange.write(encodeSocksRequest(command, to));
  const { code, address } = await exchange.read(parseSocksRequest);
  if (code === SOCKS_REPLY.succeeded) return address;
  const Kind = UNREACHABLE.has(code) ? RefusedError : code === SOCKS_REPLY.notAllowed ? PermissionError : ParleyError;
  throw exchange.error(Kind, socksReplyText(code));
}

/** Negotiates an authentication method and authenticates. */
export async function logIn(
  exchange: Parameters<TunnelHandshake>[0],
  { user, password }: { user: string; password: string },
): Promise<void> {
  const methods = user === "" ? [SOCKS_METHOD.none] : [SOCKS_METHOD.none, SOCKS_METHOD.password];
  await exchange.write(encodeSocksGreeting(methods));
  const { value: method } = await exchange.read((bytes) => parseSocksChoice(bytes));
  if (method === SOCKS_METHOD.noneAcceptable) {
    const wanted = user === "" ? "the proxy requires a name and a password" : "no acceptable authentication method";
    throw exchange.error(PermissionError, wanted);
  }
  if (method === SOCKS_METHOD.none) return;
  if (method !== SOCKS_METHOD.password || user === "") {
    throw exchange.error(ParleyError, `the proxy chose authentication method ${method}, which was not offered`);
  }
  await exchange.write(encodeSocksLogIn(user, password));
  const { value: status } = await exchange.read((bytes) => parseSocksChoice(bytes, 1));
  if (status !== 0) throw exchange.error(PermissionError, "wrong name or password");
}

const GRANTED = 90;
const REJECTED = 91;

/** Requests a connection from a SOCKS 4a proxy. */
export const socks4Tunnel: TunnelHandshake = async (exchange, to, { user }) => {
  await exchange.write(encodeSocks4Request(to, user));
  const { code, text } = await exchange.read(parseSocks4Reply);
  if (code !== GRANTED) throw exchange.error(code === REJECTED ? RefusedError : PermissionError, text);
};
