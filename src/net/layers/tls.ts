import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Layered } from "../layer.ts";
import { StreamTransport, TransportStream } from "../node_stream.ts";
import { ResettableTransport } from "../resettable.ts";
import { toHandshakeError } from "../tls_error.ts";
import { peerCertificates, tlsFactsOf } from "../tls_facts.ts";
import type { Transport } from "../transport.ts";
import { NativeTlsTransport } from "./native_tls.ts";

/** Starts a handshake over the stream. */
export type StartHandshake = (stream: Duplex) => { readonly socket: TLSSocket; readonly secured: Promise<void> };

/** A TLS transport and its handshake results. */
interface Secured extends Layered {
  readonly certificates: readonly X509Certificate[];
}

/**
 * TLS over any transport, for clients and servers. It uses `node:tls` because `Deno.listenTls` lacks `TCP_NODELAY`,
 * client certificates and reloading certificates, and `Deno.connectTls` lacks access to the peer's certificate and
 * connections without verification.
 *
 * An end without a TLS closure alert counts as a normal end: to detect truncation, use a framing that marks the end.
 *
 * @throws {TlsError} The handshake failed.
 */
export async function secure(inner: Transport, endpoint: string, start: StartHandshake): Promise<Secured> {
  const { transport, socket, secured } = startOver(inner, start);
  try {
    await secured;
    // Read now, because a socket whose both sides have ended has no addresses.
    const certificates = peerCertificates(socket);
    return { transport, tls: tlsFactsOf(socket, certificates), certificates };
  } catch (error) {
    transport.close();
    throw toHandshakeError(error, endpoint);
  }
}

/**
 * Starts on the socket itself if there is one, because the runtime then encrypts and sends without JavaScript. The
 * transport is created at once, to handle errors of the socket from the start.
 */
function startOver(inner: Transport, start: StartHandshake): ReturnType<StartHandshake> & { transport: Transport } {
  if (inner instanceof ResettableTransport) {
    const tcp = inner.takeSocket();
    if (tcp !== undefined) {
      const { socket, secured } = start(tcp);
      return { transport: new NativeTlsTransport(socket, tcp, inner), socket, secured };
    }
  }
  const stream = new TransportStream(inner);
  const { socket, secured } = start(stream.asDuplex);
  return { transport: new TlsTransport(socket, stream, inner), socket, secured };
}

class TlsTransport extends StreamTransport {
  readonly #inner: Transport;
  readonly #stream: TransportStream;

  constructor(socket: TLSSocket, stream: TransportStream, inner: Transport) {
    super(socket, stream);
    this.#inner = inner;
    this.#stream = stream;
  }

  override close(): void {
    super.close();
    // Closed explicitly: after a rejected certificate the socket keeps its stream open.
    this.#stream.destroy();
  }

  reset(): boolean {
    const isReset = this.#inner.reset?.() ?? false;
    this.close();
    return isReset;
  }
}
