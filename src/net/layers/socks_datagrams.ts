import { ClosedEarlyError, ParleyError } from "../../base/errors.ts";
import { isIp, isSameIp, isUnspecified } from "../../base/ip.ts";
import { encodeSocksDatagram, parseSocksDatagram, SOCKS_COMMAND } from "../../framing/socks.ts";
import { DatagramSocket, type DatagramTransport, isFrom } from "../datagram.ts";
import { formatEndpoint, type HostEndpoint } from "../endpoint.ts";
import { logIn, requestSocks5 } from "./socks.ts";
import type { Proxy, ProxyExchange } from "../proxy_dialer.ts";
import type { Transport } from "../transport.ts";

/**
 * Asks a SOCKS 5 proxy to relay datagrams. The request leaves out the address that they will be sent from, because it
 * may be translated on the way.
 *
 * @param host The address at which the proxy was reached.
 */
export async function requestRelay(exchange: ProxyExchange, proxy: Proxy, host: string): Promise<HostEndpoint> {
  await logIn(exchange, proxy);
  const relay = await requestSocks5(exchange, SOCKS_COMMAND.udpAssociate, { host: "0.0.0.0", port: 0 });
  // A proxy that listens on every address does not know which of them the client uses.
  const address = isUnspecified(relay.host) ? host : relay.host;
  if (!isIp(address)) throw exchange.error(ParleyError, `the proxy relays at "${address}", which is not an address`);
  return { scheme: "udp", host: address, port: relay.port, path: "/" };
}

/** Options of {@linkcode SocksDatagrams}. */
export interface SocksDatagramsInit {
  /** Reaches the proxy's relay; it is closed with this one. */
  readonly socket: DatagramSocket;
  /** The connection of the association, which ends with it. */
  readonly control: Transport;
  /** The endpoint at which the proxy accepts datagrams. */
  readonly relay: HostEndpoint;
  /** The target as named in replies. */
  readonly to: HostEndpoint;
  /** The host in requests to the proxy: the target's name, or its address if names are resolved locally. */
  readonly asked: string;
  /** As printed in messages. */
  readonly proxy: string;
}

/** Datagrams to one target through a SOCKS 5 proxy (RFC 1928, section 7). */
export class SocksDatagrams implements DatagramTransport {
  readonly #init: SocksDatagramsInit;
  /** The source of replies; only the proxy knows the address of a name until the first reply from its port. */
  #source: string | undefined;
  #failure: ClosedEarlyError | undefined;
  #isClosed = false;

  constructor(init: SocksDatagramsInit) {
    this.#init = init;
    if (isIp(init.asked)) this.#source = init.asked;
    void this.#watch();
  }

  /** The socket above it. */
  static open(init: SocksDatagramsInit): DatagramSocket {
    const { socket: { endpoint, log }, proxy } = init;
    return new DatagramSocket(new SocksDatagrams(init), { endpoint, log, proxy });
  }

  /** Drops datagrams that are malformed, fragmented or from elsewhere. */
  async receive(): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    const { socket, relay } = this.#init;
    for (;;) {
      const datagram = await socket.receive().catch((error: unknown) => {
        throw this.#failure ?? error;
      });
      if (datagram === null) throw this.#failure ?? new Deno.errors.BadResource("the socket is closed");
      if (!isFrom(relay, datagram.from)) continue;
      const parsed = parseSocksDatagram(datagram.data);
      if (parsed === undefined || parsed.fragment !== 0) continue;
      const { host, port } = parsed.address;
      return [
        new Uint8Array(parsed.data),
        { transport: "udp", hostname: this.#nameOf(host, port), port },
      ];
    }
  }

  async send(data: Uint8Array, to: Deno.Addr): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const { socket, relay, asked, to: { host } } = this.#init;
    if (!("hostname" in to)) throw new TypeError("Cannot send to a Unix socket through a proxy");
    const address = { host: to.hostname === host ? asked : to.hostname, port: to.port };
    await socket.send(encodeSocksDatagram(address, data), relay);
    return data.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#init.control.close();
    this.#init.socket.close();
  }

  #nameOf(host: string, port: number): string {
    const { to } = this.#init;
    if (port !== to.port) return host;
    this.#source ??= host;
    return host === this.#source || isSameIp(host, this.#source) ? to.host : host;
  }

  /** The proxy ends the association by ending the connection. */
  async #watch(): Promise<void> {
    const { control, proxy, to } = this.#init;
    const bytes = new Uint8Array(64);
    let cause: unknown;
    try {
      for (let count: number | null = 0; count !== null;) count = await control.read(bytes);
    } catch (error) {
      cause = error;
    }
    if (this.#isClosed) return;
    const text = `Cannot reach ${formatEndpoint(to)} through ${proxy}: the proxy ended the association`;
    this.#failure = new ClosedEarlyError(text, { endpoint: proxy, cause });
    this.close();
  }
}
