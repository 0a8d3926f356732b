import { Backoff } from "../base/backoff.ts";
import { UsageError } from "../base/errors.ts";
import { systemCodeOf } from "../base/system_error.ts";
import { formatEndpoint, type HostEndpoint, isHostEndpoint, type PathEndpoint } from "./endpoint.ts";
import { raceAddresses } from "./happy_eyeballs.ts";
import type { Dialed, Dialer, DialerOptions } from "./layer.ts";
import { resolve, type ResolvedAddress } from "./resolve.ts";
import { toSocketError } from "./socket_error.ts";
import type { Transport } from "./transport.ts";
import { delay } from "./wait.ts";

/** A connected TCP socket. */
interface TcpTransport extends Transport, Disposable {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  setNoDelay(isOn: boolean): void;
}

/** Connects by TCP to the first address of a host that answers, or to a Unix socket. */
export const directDialer: Dialer = {
  dial: (to, options) => isHostEndpoint(to) ? dialTcp(to, options) : dialUnix(to, options),
};

async function dialTcp(endpoint: HostEndpoint, options: DialerOptions): Promise<Dialed> {
  const { log, signal } = options;
  const text = formatEndpoint(endpoint);
  if (endpoint.port === 0) throw new UsageError(`Cannot connect to ${text}: port 0 is for listening only`);
  log.trace(`resolving ${endpoint.host}`, { step: "resolve" });
  const addresses = await resolve(endpoint.host, { timeoutMs: options.resolveTimeoutMs, signal });
  log.trace(`connecting to ${addresses.map(({ address }) => address).join(", ")}`, { step: "connect" });
  const resettable = options.canReset ? await import("./resettable.ts") : undefined;
  const conn = await raceAddresses<TcpTransport>(addresses, { endpoint: text, port: endpoint.port }, {
    signal,
    onFailure: options.onAttemptFailed,
    dial: ({ address }: ResolvedAddress, signal) =>
      resettable?.dialResettable(address, endpoint.port, signal) ?? dialAddress(address, endpoint.port, signal),
  });
  conn.setNoDelay(true);
  const { hostname, port } = conn.localAddr;
  return {
    transport: conn,
    local: { scheme: endpoint.scheme, host: hostname, port, path: "/" },
    remote: { ...endpoint, host: conn.remoteAddr.hostname },
  };
}

/**
 * Connects to a numeric address; the signal ends the attempt.
 *
 * The runtime checks its signal once more when it has connected, and then throws
 * without closing the socket. So it gets one that does not throw, and the check
 * is made here.
 */
async function dialAddress(hostname: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const cancel = new AbortController();
  Object.defineProperty(cancel.signal, "throwIfAborted", { value: () => {} });
  const onAbort = () => cancel.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const conn = await Deno.connect({ hostname, port, signal: cancel.signal, autoSelectFamily: false });
    if (!signal.aborted) return conn;
    conn.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function dialUnix(endpoint: PathEndpoint, { signal }: DialerOptions): Promise<Dialed> {
  const backoff = new Backoff({ firstMs: 5, mostMs: 100 });
  for (;;) {
    signal.throwIfAborted();
    try {
      const conn = await Deno.connect({ transport: "unix", path: endpoint.path });
      if (signal.aborted) conn.close();
      else return { transport: conn, local: endpoint, remote: endpoint };
    } catch (error) {
      // The backlog is full: unlike TCP, the kernel does not let a client wait for its turn.
      if (systemCodeOf(error) !== "EAGAIN") throw toSocketError(error, "connect to", formatEndpoint(endpoint));
      await delay(backoff.next(), signal);
    }
  }
}
