import { connect, type ConnectionOptions, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { isIp } from "../../base/ip.ts";
import { messageOf, TlsError } from "../../base/errors.ts";
import { Deadline } from "../deadline.ts";
import type { Dialer, Layer, Layered, LayerOptions, Peer } from "../layer.ts";
import type { Transport } from "../transport.ts";
import { LayeredTransport } from "../layered_transport.ts";
import type { StartTlsDialogue, StartTlsProtocol } from "./start_tls.ts";
import { type CertificateFault, diagnoseCertificate } from "../tls_certificate_fault.ts";
import { certificatesIn, certificateWithKey } from "../tls_pem.ts";
import { secure, type StartHandshake } from "./tls.ts";
import { onAbort, timeoutSignal } from "../wait.ts";

/** Share of the remaining time for fetching a rejected certificate, so that the result is reported in time. */
const REPORTING_SHARE = 0.9;

/** TLS options of a client. */
export interface TlsClientOptions {
  /**
   * Trusted CA certificates in PEM, instead of the system's.
   *
   * @default {undefined}
   */
  ca?: string | undefined;
  /**
   * Accepts any certificate, which allows man-in-the-middle attacks. A warning is logged.
   *
   * @default {false}
   */
  insecure?: boolean;
  /**
   * Expected name in the certificate, also sent to the server (SNI, RFC 6066, section 3); by default the endpoint's
   * host.
   */
  serverName?: string | undefined;
  /** Application protocols, the preferred one first (RFC 7301). */
  alpn?: readonly string[];
  /** Client certificate chain in PEM; requires `key`. */
  cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  key?: string | undefined;
  /** Plaintext dialogue before TLS: a known protocol, or a custom function. */
  startTls?: StartTlsProtocol | StartTlsDialogue | undefined;
}

/** Options of {@linkcode TlsClientLayer}. */
export interface TlsClientSetup {
  /** The peer, for messages. */
  readonly endpoint: string;
  /** The endpoint's host. */
  readonly host: string;
  readonly options: TlsClientOptions;
  /** Connects to the peer again, to find out why its certificate was rejected. */
  readonly dialer: Dialer;
  /** The layers below, which the second connection needs too. */
  readonly below: readonly Layer[];
}

/** Client-side TLS. */
export class TlsClientLayer implements Layer {
  readonly name = "TLS";
  readonly #setup: TlsClientSetup;
  readonly #start: StartHandshake;

  /**
   * Validates the options before any connection.
   *
   * @throws {SyntaxError} A certificate or a key is not PEM.
   * @throws {RangeError} The key does not belong to the certificate, or a text is empty.
   */
  constructor(setup: TlsClientSetup) {
    this.#setup = setup;
    this.#start = starter(setup.host, setup.options);
  }

  async wrap(inner: Transport, peer: Peer, options: LayerOptions): Promise<Layered> {
    const { endpoint } = this.#setup;
    const deadline = new Deadline(options.timeoutMs * REPORTING_SHARE, options.signal);
    try {
      return await secure(inner, endpoint, this.#start);
    } catch (error) {
      if (!(error instanceof TlsError) || error.reason !== "untrusted" || options.signal.aborted) throw error;
      const fault = await this.#diagnose(peer, deadline);
      if (fault === undefined) throw error;
      const message = `Cannot speak TLS with ${endpoint}: ${fault.text}`;
      throw new TlsError(fault.reason, message, { endpoint, cause: error.cause });
    }
  }

  /**
   * Fetches a rejected certificate in a second handshake, because the runtime does not expose it. No client certificate
   * is presented, and no data is sent. `undefined` if it cannot be fetched in time; the error of the first handshake
   * then stands.
   */
  async #diagnose(peer: Peer, deadline: Deadline): Promise<CertificateFault | undefined> {
    const { dialer, below, host, endpoint, options: { ca, ...options } } = this.#setup;
    const { signal: closing, timeout: timeoutMs } = deadline.wait();
    using late = timeoutSignal(timeoutMs, () => new Error("no time is left"));
    const signal = AbortSignal.any([late.signal, ...closing ? [closing] : []]);
    const look: Layer = {
      name: this.name,
      async wrap(inner) {
        const start = starter(host, { ...options, insecure: true, cert: undefined, key: undefined });
        const secured = await secure(inner, endpoint, start);
        const trusted = ca === undefined ? [] : certificatesIn(ca, "the CA certificates");
        fault = diagnoseCertificate(secured.certificates, trusted);
        return secured;
      },
    };
    let fault: CertificateFault | undefined;
    try {
      const { log } = peer;
      const dialed = await dialer.dial(peer.remote, { log, resolveTimeoutMs: timeoutMs, signal });
      const second = new LayeredTransport(dialed.transport, { layers: [...below, look], timeoutMs, endpoint }, {
        peer: { ...dialed, log },
        onLayered() {},
      });
      using owner = new DisposableStack();
      owner.defer(() => second.close());
      owner.use(onAbort(signal, () => second.close()));
      await second.handshake();
      return fault;
    } catch (error) {
      peer.log.debug("the certificate could not be examined", { error: messageOf(error) });
      return undefined;
    }
  }
}

/** Starts handshakes with these options. */
function starter(host: string, options: TlsClientOptions): StartHandshake {
  const peer = peerOf(options.serverName ?? host);
  const secureContext = clientContext(options);
  return (stream) => {
    const socket = connect({
      socket: stream,
      ...peer,
      secureContext,
      rejectUnauthorized: options.insecure !== true,
      ...(options.alpn?.length ? { ALPNProtocols: [...options.alpn] } : {}),
    });
    return { socket, secured: whenSecure(socket) };
  };
}

/** An IP address is never sent as a server name (RFC 6066, section 3), but the certificate is checked against it. */
function peerOf(name: string): Pick<ConnectionOptions, "host" | "servername"> {
  return isIp(name) ? { host: name } : { host: name, servername: name };
}

function clientContext(options: TlsClientOptions): SecureContext {
  const { ca, cert, key, serverName, alpn = [] } = options;
  if ([serverName, cert, key, ...alpn].includes("")) {
    // An empty server name would disable the name check, and an empty certificate the client's identity.
    throw new RangeError(
      "Cannot connect over TLS: `serverName`, `cert`, `key` and the names of `alpn` must not be empty",
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("Cannot use a client certificate: `cert` and `key` must be given together");
  }
  if (ca !== undefined) certificatesIn(ca, "the CA certificates");
  // Otherwise the runtime presents no certificate, or fails with an error of its own.
  if (cert && key) certificateWithKey({ cert, key }, { cert: "the client certificate", key: "its private key" });
  return createSecureContext({ ...(ca === undefined ? {} : { ca }), ...(cert && key ? { cert, key } : {}) });
}

function whenSecure(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", () => resolve());
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("closed before secure TLS connection was established")));
  return promise;
}
