import { Backoff } from "../base/backoff.ts";
import { ResolveError, UsageError } from "../base/errors.ts";
import { parseIp } from "../base/ip.ts";
import { systemCodeOf } from "../base/system_error.ts";
import type { Logger } from "../log/logger.ts";
import { formatEndpoint, type HostEndpoint, isHostEndpoint, type PathEndpoint } from "./endpoint.ts";
import { raceAddresses } from "./happy_eyeballs.ts";
import type { Dialed, Dialer, DialerOptions } from "./layer.ts";
import { resolve, type ResolvedAddress } from "./resolve.ts";
import { toSocketError } from "./socket_error.ts";
import type { Resetter } from "./sockopt/resetter.ts";
import type { Transport } from "./transport.ts";
import { kernelPath } from "./unix.ts";
import { delay } from "./wait.ts";

/** A connected TCP socket. */
interface TcpTransport extends Transport, Disposable {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  setNoDelay(isOn: boolean): void;
}

/** The local end of a direct connection. */
export interface DirectOptions {
  /** The address of this machine to connect from, and the port, 0 for any. */
  readonly from?: { readonly host: string; readonly port: number } | undefined;
  /** Restricts the addresses to this family. */
  readonly family?: 4 | 6 | undefined;
}

/** Connects over TCP to the first address that responds, or to a Unix socket. */
export const directDialer: Dialer = createDirectDialer();

/** Like {@linkcode directDialer}, with a chosen local address or family. */
export function createDirectDialer(direct: DirectOptions = {}): Dialer {
  return {
    dial: (to, options) => isHostEndpoint(to) ? dialTcp(to, options, direct) : dialUnix(to, options),
    associate: ({ host }, { log }) => bindUdpFor(host, log, direct.from?.host),
  };
}

async function dialTcp(
  endpoint: HostEndpoint,
  options: DialerOptions,
  { from, family = familyOf(from) }: DirectOptions,
): Promise<Dialed> {
  const { log, signal } = options;
  const text = formatEndpoint(endpoint);
  if (endpoint.port === 0) throw new UsageError(`Cannot connect to ${text}: port 0 is for listening only`);
  log.trace(`resolving ${endpoint.host}`, { step: "resolve" });
  const all = await resolve(endpoint.host, { timeout: options.resolveTimeoutMs, signal });
  const addresses = family === undefined ? all : all.filter((address) => address.family === family);
  if (addresses.length === 0) {
    throw new ResolveError(`Cannot resolve "${endpoint.host}": the name has no IPv${family} address`, {
      endpoint: text,
    });
  }
  log.trace(`connecting to ${addresses.map(({ address }) => address).join(", ")}`, { step: "connect" });
  const { canReset } = options;
  // The runtime's own sockets cannot bind a local address, nor reset without help.
  const resettable = canReset === true || from !== undefined ? await import("./resettable.ts") : undefined;
  const resetter = typeof canReset === "object" ? canReset : undefined;
  const conn = await raceAddresses<TcpTransport>(addresses, { endpoint: text, port: endpoint.port }, {
    signal,
    onFailure: options.onAttemptFailed,
    dial: ({ address }: ResolvedAddress, signal) =>
      resettable?.dialResettable(address, endpoint.port, signal, from) ??
        dialAddress(address, endpoint.port, { signal, resetter }),
  });
  conn.setNoDelay(true);
  const { hostname, port } = conn.localAddr;
  return {
    transport: conn,
    local: { scheme: endpoint.scheme, host: hostname, port, path: "/" },
    remote: { ...endpoint, host: conn.remoteAddr.hostname },
  };
}

function familyOf(from: DirectOptions["from"]): 4 | 6 | undefined {
  if (from === undefined) return undefined;
  return parseIp(from.host)?.length === 16 ? 6 : 4;
}

/**
 * Connects to a numeric address; the signal ends the attempt.
 *
 * After connecting, the runtime checks its signal again and throws without closing the socket. So it gets a signal that
 * does not throw, and the check is done here.
 */
async function dialAddress(
  hostname: string,
  port: number,
  { signal, resetter }: { signal: AbortSignal; resetter: Resetter | undefined },
): Promise<TcpTransport> {
  signal.throwIfAborted();
  const cancel = new AbortController();
  Object.defineProperty(cancel.signal, "throwIfAborted", { value: () => {} });
  const onAbort = () => cancel.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const guess = resetter?.guess() ?? -1;
    const conn = await Deno.connect({ hostname, port, signal: cancel.signal, autoSelectFamily: false });
    if (!signal.aborted) return resetter?.adopt(conn, guess) ?? conn;
    conn.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A socket for datagrams to a numeric address. */
async function bindUdpFor(to: string, log: Logger, from = to.includes(":") ? "::" : "0.0.0.0") {
  const { bindUdp, BIND_DEFAULTS } = await import("./open.ts");
  return await bindUdp({ scheme: "udp", host: from, port: 0, path: "/" }, { ...BIND_DEFAULTS, log });
}

async function dialUnix(endpoint: PathEndpoint, { signal }: DialerOptions): Promise<Dialed> {
  const backoff = new Backoff({ first: 5, max: 100 });
  for (;;) {
    signal.throwIfAborted();
    try {
      const conn = await Deno.connect({ transport: "unix", path: kernelPath(endpoint.path) });
      if (signal.aborted) conn.close();
      else return { transport: conn, local: endpoint, remote: endpoint };
    } catch (error) {
      // The backlog is full: unlike with TCP, the kernel rejects the client instead of letting it wait.
      if (systemCodeOf(error) !== "EAGAIN") throw toSocketError(error, "connect to", formatEndpoint(endpoint));
      await delay(backoff.next(), signal);
    }
  }
}
