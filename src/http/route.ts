/**
 * The route to a server as plain data that can be passed to other threads: proxies, local address and PROXY header.
 *
 * @module
 */

import { DEFAULTS } from "../base/defaults.ts";
import type { ConnectOptions } from "../net/options.ts";
import { createDirectDialer, type DirectOptions } from "../net/direct_dialer.ts";
import type { Dialer } from "../net/layer.ts";
import { layeredDialer } from "../net/layered_transport.ts";
import { proxyProtocolSender, type SendProxyOptions } from "../net/layers/proxy_protocol.ts";
import { environmentDialer, type Proxy, proxyDialer, type ProxyVariable } from "../net/proxy_dialer.ts";
import { tunnelFor } from "./connect_tunnel.ts";

/** A route to a server. */
export interface Route extends DirectOptions {
  /** The proxies to go through, the nearest first. */
  readonly proxies?: readonly Proxy[];
  /** Environment variables with the proxy for each target, instead of `proxies`. */
  readonly environment?: Readonly<Partial<Record<ProxyVariable, string>>> | undefined;
  /** Resolves names locally instead of at the proxy. */
  readonly resolvesLocally?: boolean | undefined;
  /** Trusted CA certificates in PEM for `https` proxies, instead of the system's. */
  readonly proxyCa?: string | undefined;
  /** A PROXY header to send first. */
  readonly sendProxy?: SendProxyOptions | undefined;
}

/** Options of `connect()` for a route. */
export function routeOptions(route: Route): Pick<ConnectOptions, "dialer" | "layers"> {
  const { proxies = [], environment, from, family, sendProxy } = route;
  const isDirect = proxies.length === 0 && environment === undefined;
  const direct = createDirectDialer({ from, family });
  const through = (via: Dialer, proxy: Proxy) => dialerThrough(proxy, via, route);
  const dialer = environment === undefined
    ? proxies.reduce(through, direct)
    : environmentDialer((name) => environment[name], direct, (proxy) => through(direct, proxy));
  return {
    ...(isDirect && from === undefined && family === undefined ? {} : { dialer }),
    ...(sendProxy === undefined ? {} : { layers: [proxyProtocolSender(sendProxy)] }),
  };
}

function dialerThrough(proxy: Proxy, via: Dialer, { resolvesLocally, proxyCa }: Route): Dialer {
  const to = proxy.scheme === "https" ? tlsDialer(proxy, via, proxyCa) : via;
  return proxyDialer(proxy, { via: to, resolvesLocally, tunnelFor });
}

function tlsDialer({ host, text }: Proxy, via: Dialer, ca: string | undefined): Dialer {
  return {
    async dial(to, options) {
      const { TlsClientLayer } = await import("../net/layers/tls_client.ts");
      const layer = new TlsClientLayer({ endpoint: text, host, options: { ca }, dialer: via, below: [] });
      const setup = { layers: [layer], timeoutMs: DEFAULTS.handshakeTimeoutMs, endpoint: text };
      return await layeredDialer(via, setup).dial(to, options);
    },
  };
}
