import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { DuplexTransport } from "../duplex_transport.ts";
import type { Layered } from "../layer.ts";
import { toHandshakeError } from "../tls_error.ts";
import { peerCertificates, tlsFactsOf } from "../tls_facts.ts";
import type { Transport } from "../transport.ts";
import { TransportDuplex } from "../transport_duplex.ts";

/** Begins a handshake over the stream. */
export type StartHandshake = (
  stream: TransportDuplex,
) => { readonly socket: TLSSocket; readonly secured: Promise<void> };

/** A secured transport, and the certificates that the peer showed. */
export interface Secured extends Layered {
  readonly certificates: readonly X509Certificate[];
}

/**
 * TLS over any transport, on either side. It is `node:tls` because
 * `Deno.listenTls` offers neither `TCP_NODELAY`, nor client certificates, nor a
 * change of certificate while listening, and `Deno.connectTls` neither a look
 * at the peer's certificate nor a connection without verification.
 *
 * An end of the stream without TLS's closure alert counts as an end: to detect
 * truncation, use a framing that marks the end.
 *
 * @throws {TlsError} Its reason says why.
 */
export async function secure(inner: Transport, endpoint: string, start: StartHandshake): Promise<Secured> {
  const stream = new TransportDuplex(inner);
  const { socket, secured } = start(stream);
  // Listens to the stream's errors from its first moment.
  const transport = new TlsTransport(inner, stream, socket);
  try {
    await secured;
    // Now: a socket whose both sides have ended has no addresses.
    const certificates = peerCertificates(socket);
    return { transport, tls: tlsFactsOf(socket, certificates), certificates };
  } catch (error) {
    transport.close();
    throw toHandshakeError(error, endpoint);
  }
}

class TlsTransport extends DuplexTransport {
  readonly #inner: Transport;
  readonly #stream: TransportDuplex;

  constructor(inner: Transport, stream: TransportDuplex, socket: TLSSocket) {
    super(socket, stream);
    this.#inner = inner;
    this.#stream = stream;
  }

  override close(): void {
    super.close();
    // Not left to the socket: one whose certificate was refused keeps its stream open.
    this.#stream.destroy();
  }

  reset(): boolean {
    const isReset = this.#inner.reset?.() ?? false;
    this.close();
    return isReset;
  }
}
