import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { TimeoutError, TlsError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { Transport } from "./transport.ts";
import { Deadline } from "./deadline.ts";
import { DuplexTransport } from "./duplex_transport.ts";
import type { CertificateFault } from "./tls_certificate_fault.ts";
import { toHandshakeError } from "./tls_error.ts";
import { peerCertificates, type TlsFacts, tlsFactsOf } from "./tls_facts.ts";
import { TransportDuplex } from "./transport_duplex.ts";

/** One side of a TLS handshake. */
export interface TlsSide {
  /** The peer, for messages. */
  readonly endpoint: string;
  /** From the beginning of the handshake to its end, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** What is said in the clear before the handshake; it throws where the peer will not have TLS. */
  readonly prelude?: ((transport: Transport) => Promise<void>) | undefined;
  /** Finds out why the peer's certificate was rejected; `undefined` if nothing can be known. */
  readonly diagnose?: ((timeoutMs: number, signal: AbortSignal) => Promise<CertificateFault | undefined>) | undefined;
  /** Begins the handshake over the stream. */
  start(stream: TransportDuplex): { readonly socket: TLSSocket; readonly secured: Promise<void> };
}

/**
 * TLS over any transport, on either side. It is `node:tls` because
 * `Deno.listenTls` offers neither `TCP_NODELAY` (64 KiB echoes took 44 ms
 * each), nor client certificates, nor a change of certificate while listening,
 * and `Deno.connectTls` neither a look at the peer's certificate nor a
 * connection without verification.
 *
 * An end of the stream without TLS's own close is taken for an end: who must
 * tell a truncated stream from a whole one needs a framing that says so.
 */
export class TlsTransport implements Transport {
  readonly #inner: Transport;
  readonly #side: TlsSide;
  /** What the peer showed, once the handshake is done. */
  certificates: readonly X509Certificate[] = [];
  #handshake: Promise<void> | undefined;
  #stream: TransportDuplex | undefined;
  #socket: TLSSocket | undefined;
  #secured: DuplexTransport | undefined;
  #facts: TlsFacts | undefined;
  #isClosed = false;
  #examination: AbortController | undefined;

  /** Takes over the transport; nothing is sent before {@linkcode handshake}, which reads and writes begin by themselves. */
  constructor(inner: Transport, side: TlsSide) {
    this.#inner = inner;
    this.#side = side;
  }

  /** What the handshake agreed on, once it is done. */
  get tls(): TlsFacts | undefined {
    return this.#facts;
  }

  /**
   * Completes the handshake; a second call gives the outcome of the first.
   *
   * @throws {TlsError} Its reason says why.
   * @throws {TimeoutError} The peer did not complete it in time.
   */
  handshake(): Promise<void> {
    return this.#handshake ??= this.#shakeHands();
  }

  read(bytes: Uint8Array): Promise<number | null> {
    return this.#secured?.read(bytes) ?? this.#whenSecured().then((secured) => secured.read(bytes));
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#secured?.write(bytes) ?? this.#whenSecured().then((secured) => secured.write(bytes));
  }

  async closeWrite(): Promise<void> {
    await (this.#secured ?? await this.#whenSecured()).closeWrite();
  }

  close(): void {
    this.#examination?.abort();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket?.destroy();
    // Not left to the socket: one whose certificate was refused keeps its stream open.
    if (this.#stream !== undefined) this.#stream.destroy();
    else this.#inner.close();
  }

  reset(): boolean {
    const isReset = this.#inner.reset?.() ?? false;
    this.close();
    return isReset;
  }

  async #whenSecured(): Promise<DuplexTransport> {
    await this.handshake();
    if (this.#secured === undefined) throw new Deno.errors.NotConnected("the TLS connection is closed");
    return this.#secured;
  }

  async #shakeHands(): Promise<void> {
    const deadline = new Deadline(this.#side.handshakeTimeoutMs);
    try {
      await this.#secure();
    } catch (error) {
      const isWanted = !this.#isClosed;
      this.close();
      const failure = toHandshakeError(error, this.#side.endpoint);
      throw isWanted ? await this.#explained(failure, deadline) : failure;
    }
  }

  /** The failure, with the true reason where the certificate was refused and the peer shows it once more. */
  async #explained(failure: Error, deadline: Deadline): Promise<Error> {
    const { endpoint, diagnose } = this.#side;
    if (diagnose === undefined || !(failure instanceof TlsError) || failure.reason !== "untrusted") return failure;
    const examination = this.#examination = new AbortController();
    const timeoutMs = deadline.remainingMs;
    const timer = setTimeout(() => examination.abort(), timeoutMs);
    try {
      const fault = await diagnose(timeoutMs, examination.signal);
      if (fault === undefined) return failure;
      const message = `Cannot speak TLS with ${endpoint}: ${fault.text}`;
      return new TlsError(fault.reason, message, { endpoint, cause: failure.cause });
    } catch {
      // It is not there a second time, or not in time: what the first time told is still true.
      return failure;
    } finally {
      clearTimeout(timer);
    }
  }

  async #secure(): Promise<void> {
    const { endpoint, handshakeTimeoutMs, prelude } = this.#side;
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const message = `Cannot speak TLS with ${endpoint}: no handshake within ${formatDuration(handshakeTimeoutMs)}`;
      timeout.reject(new TimeoutError("handshake", message, { endpoint }));
    }, handshakeTimeoutMs);
    try {
      if (prelude) await Promise.race([prelude(this.#inner), timeout.promise]);
      if (this.#isClosed) throw new Deno.errors.NotConnected("the TLS connection is closed");
      this.#stream = new TransportDuplex(this.#inner);
      const { socket, secured } = this.#side.start(this.#stream);
      this.#socket = socket;
      // Listens to the stream's errors from its first moment.
      const transport = new DuplexTransport(socket, this.#stream);
      await Promise.race([secured, timeout.promise]);
      // Now: a socket whose both sides have ended knows nothing any more.
      this.certificates = peerCertificates(socket);
      this.#facts = tlsFactsOf(socket, this.certificates);
      this.#secured = transport;
    } finally {
      clearTimeout(timer);
    }
  }
}
