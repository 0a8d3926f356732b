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

/** Exit codes depend on these classes: what cannot be reached differs from what is not allowed. */
const UNREACHABLE: ReadonlySet<number> = new Set([
  SOCKS_REPLY.networkUnreachable,
  SOCKS_REPLY.hostUnreachable,
  SOCKS_REPLY.refused,
  SOCKS_REPLY.ttlExpired,
]);

/** Asks a SOCKS 5 proxy (RFC 1928) for a connection, after a log-in where it wants one (RFC 1929). */
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

/** Chooses a method of authentication, and goes through it. */
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

/** Asks a SOCKS 4a proxy for a connection. */
export const socks4Tunnel: TunnelHandshake = async (exchange, to, { user }) => {
  await exchange.write(encodeSocks4Request(to, user));
  const { code, text } = await exchange.read(parseSocks4Reply);
  if (code !== GRANTED) throw exchange.error(code === REJECTED ? RefusedError : PermissionError, text);
};
