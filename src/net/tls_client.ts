import { connect, type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { isIp } from "../base/ip.ts";
import type { Transport } from "./transport.ts";
import { startTlsDialogue, type StartTlsProtocol } from "./start_tls.ts";
import { type CertificateFault, diagnoseCertificate } from "./tls_certificate_fault.ts";
import { certificatesIn } from "./tls_pem.ts";
import { type TlsSide, TlsTransport } from "./tls_transport.ts";

/** Talks to the server in the clear, up to the point where the TLS handshake begins. */
export type StartTlsDialogue = (transport: Transport) => Promise<void>;

/** How a client speaks TLS. */
export interface TlsClientOptions {
  /**
   * Certificates that are trusted instead of the system's, in PEM.
   *
   * @default {undefined}
   */
  ca?: string | undefined;
  /**
   * Accepts any certificate: anyone can be at the other end. A warning is logged.
   *
   * @default {false}
   */
  insecure?: boolean;
  /** Name that the certificate must be for, and that is sent to the server (RFC 6066, section 3); by default the endpoint's host. */
  serverName?: string | undefined;
  /** Application protocols, the preferred one first (RFC 7301). */
  alpn?: readonly string[];
  /** Certificate chain to show when the server asks for one, in PEM; it needs `key`. */
  cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  key?: string | undefined;
  /** Dialogue in the clear that leads to TLS, for servers that begin without: one of the known ones, or your own. */
  startTls?: StartTlsProtocol | StartTlsDialogue | undefined;
}

/** What of the client's TLS is known before the first connection. */
export interface TlsClientSetup {
  /** The peer, for messages. */
  endpoint: string;
  /** The endpoint's host. */
  host: string;
  handshakeTimeoutMs: number;
  options: TlsClientOptions;
  /** Opens another connection to the same address: to see why a certificate was refused. */
  redial?: ((signal: AbortSignal) => Promise<Transport>) | undefined;
}

/**
 * TLS over a connected transport, as its client.
 *
 * @throws {SyntaxError} A certificate or a key is not PEM.
 */
export function tlsClientTransport(inner: Transport, setup: TlsClientSetup): TlsTransport {
  const { endpoint, handshakeTimeoutMs, options, redial } = setup;
  const { startTls } = options;
  const peer = peerOf(options.serverName ?? setup.host);
  const secureContext = clientContext(options);
  const side: TlsSide = {
    endpoint,
    handshakeTimeoutMs,
    prelude: typeof startTls === "string" ? (transport) => startTlsDialogue(startTls, transport, endpoint) : startTls,
    diagnose: redial && ((timeoutMs, signal) => diagnose(redial, { ...setup, handshakeTimeoutMs: timeoutMs }, signal)),
    start(stream) {
      const socket = connect({
        socket: stream.asDuplex,
        ...peer,
        secureContext,
        rejectUnauthorized: options.insecure !== true,
        ...(options.alpn?.length ? { ALPNProtocols: [...options.alpn] } : {}),
      });
      return { socket, secured: whenSecure(socket) };
    },
  };
  return new TlsTransport(inner, side);
}

/**
 * Looks at the certificate of a server that was refused for it, in a handshake
 * of its own: the runtime tells nothing of what it has refused. We show no
 * certificate there, and say nothing after it.
 */
async function diagnose(
  redial: (signal: AbortSignal) => Promise<Transport>,
  { endpoint, host, handshakeTimeoutMs, options }: TlsClientSetup,
  signal: AbortSignal,
): Promise<CertificateFault | undefined> {
  const transport = tlsClientTransport(await redial(signal), {
    endpoint,
    host,
    handshakeTimeoutMs,
    options: { ...options, insecure: true, ca: undefined, cert: undefined, key: undefined },
  });
  const onAbort = () => transport.close();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await transport.handshake();
    const trusted = options.ca === undefined ? [] : certificatesIn(options.ca, "the CA certificates");
    return diagnoseCertificate(transport.certificates, trusted);
  } finally {
    signal.removeEventListener("abort", onAbort);
    transport.close();
  }
}

/** An address is no server name (RFC 6066, section 3), but the certificate is compared with it all the same. */
function peerOf(name: string): Pick<ConnectionOptions, "host" | "servername"> {
  return isIp(name) ? { host: name } : { host: name, servername: name };
}

function clientContext(options: TlsClientOptions): SecureContext {
  const { ca, cert, key, serverName, alpn = [] } = options;
  if ([serverName, cert, key, ...alpn].includes("")) {
    // An empty name would drop the check of the name, an empty certificate the client's identity.
    throw new RangeError(
      "Cannot connect by TLS: `serverName`, `cert`, `key` and the names of `alpn` must not be empty",
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("Cannot show a client certificate: `cert` and `key` go together");
  }
  if (ca !== undefined) certificatesIn(ca, "the CA certificates");
  return createSecureContext({ ...(ca === undefined ? {} : { ca }), ...(cert && key ? { cert, key } : {}) });
}

function whenSecure(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", () => resolve());
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("closed before secure TLS connection was established")));
  return promise;
}
