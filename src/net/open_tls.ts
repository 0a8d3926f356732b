/**
 * Opens the streams that TLS protects: `tls`, and what `wss` lies on.
 *
 * @module
 */

import { Connection } from "./connection.ts";
import { formatEndpoint, type HostEndpoint } from "./endpoint.ts";
import type { Listener } from "./listener.ts";
import { type ConnectSetup, dialAddress, dialTcp, type ListenSetup, listenTcp } from "./open.ts";
import { type TlsClientOptions, tlsClientTransport } from "./tls_client.ts";
import { TlsServerContext, type TlsServerOptions } from "./tls_server.ts";

/** How to listen with TLS. */
export interface TlsListenSetup extends ListenSetup {
  tls: TlsServerContext | TlsServerOptions;
  handshakeTimeoutMs: number;
}

/** How to connect with TLS. */
export interface TlsConnectSetup extends ConnectSetup {
  tls: TlsClientOptions;
  handshakeTimeoutMs: number;
}

/** Listens on TCP; each accepted connection begins with a handshake, which `Connection.handshake()` waits for. */
export async function listenTls(endpoint: HostEndpoint, setup: TlsListenSetup): Promise<Listener> {
  const context = setup.tls instanceof TlsServerContext ? setup.tls : new TlsServerContext(setup.tls);
  const { handshakeTimeoutMs } = setup;
  return await listenTcp(endpoint, {
    ...setup,
    wrap: (transport, remote) => context.wrap(transport, { endpoint: formatEndpoint(remote), handshakeTimeoutMs }),
  });
}

/** Connects by TCP; the handshake begins with `Connection.handshake()` or the first read or write. */
export async function connectTls(endpoint: HostEndpoint, setup: TlsConnectSetup): Promise<Connection> {
  const text = formatEndpoint(endpoint);
  const { log, tls, handshakeTimeoutMs } = setup;
  if (tls.insecure) {
    log.warning(`the certificate of ${text} is NOT checked: anyone can be at the other end`);
  }
  const { conn, ...sides } = await dialTcp(endpoint, setup);
  try {
    const transport = tlsClientTransport(conn, {
      endpoint: text,
      host: endpoint.host,
      handshakeTimeoutMs,
      options: tls,
      redial: (signal) => dialAddress(sides.remote.host, endpoint.port, signal),
    });
    return new Connection(transport, { ...setup, ...sides, id: 1 });
  } catch (error) {
    conn.close();
    throw error;
  }
}
