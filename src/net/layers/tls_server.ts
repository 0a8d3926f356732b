import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { TlsError } from "../../base/errors.ts";
import { formatEndpoint } from "../endpoint.ts";
import type { Layer, Layered, Peer } from "../layer.ts";
import type { Transport } from "../transport.ts";
import { type CertificateFacts, certificateFacts } from "../tls_certificate.ts";
import { certificatesIn, certificateWithKey } from "../tls_pem.ts";
import { secure } from "./tls.ts";

/** TLS options of a server. */
export interface TlsServerOptions {
  /** Certificate chain in PEM, the server's own first. */
  cert: string;
  /** Private key of the certificate, in PEM. */
  key: string;
  /** Application protocols, the preferred one first (RFC 7301); a client that offers none of them is rejected. */
  alpn?: readonly string[];
  /** CA certificates in PEM; if set, every client must present a certificate signed by one of them. */
  clientCa?: string | undefined;
  /** Names of the parts in messages, such as their files. */
  names?: { readonly cert?: string; readonly key?: string; readonly clientCa?: string };
}

interface Material {
  readonly secureContext: SecureContext;
  readonly alpn: readonly string[];
  readonly asksClient: boolean;
}

/**
 * Server-side TLS with a validated certificate. The certificate can be replaced at any time; open connections continue
 * with the old one.
 */
export class TlsServerContext implements Layer {
  /** `"TLS"`. */
  readonly name = "TLS";
  #material: Material;
  #certificate: CertificateFacts;

  /**
   * Validates the options before the first client.
   *
   * @throws {SyntaxError} The certificate or the key is not PEM, or damaged.
   * @throws {RangeError} The key does not belong to the certificate.
   * @throws {TlsError} The certificate is not valid now.
   */
  constructor(options: TlsServerOptions) {
    [this.#material, this.#certificate] = checked(options);
  }

  /** The server's certificate. */
  get certificate(): CertificateFacts {
    return this.#certificate;
  }

  /** Replaces the certificate for new connections. Throws like the constructor; the old one then stays in use. */
  replace(options: TlsServerOptions): void {
    [this.#material, this.#certificate] = checked(options);
  }

  /** Completes a handshake with the current certificate. */
  wrap(inner: Transport, { remote }: Peer): Promise<Layered> {
    const material = this.#material;
    return secure(inner, formatEndpoint(remote), (stream) => startServer(stream, material));
  }
}

function startServer(stream: Duplex, material: Material) {
  // Node accepts any duplex stream here, but declares net.Socket.
  const socket = new TLSSocket(stream as Socket, {
    isServer: true,
    secureContext: material.secureContext,
    requestCert: material.asksClient,
    rejectUnauthorized: material.asksClient,
    ...(material.alpn.length > 0 ? { ALPNProtocols: [...material.alpn] } : {}),
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secure", () => {
    const refusal = material.asksClient ? clientRefusal(socket) : undefined;
    if (refusal !== undefined) return reject(refusal);
    // A later error of TLS, such as a corrupt record, destroys only the sockets of `tls.Server` and of clients.
    socket.on("_tlsError", (error: Error) => socket.destroy(error));
    resolve();
  });
  socket.once("error", reject);
  const onEnd = () => reject(new Error("closed before secure TLS connection was established"));
  socket.once("end", onEnd);
  socket.once("close", onEnd);
  return { socket, secured: promise };
}

/** Only `tls.Server` is passed the result of the chain check; without it no client is accepted. */
function clientRefusal(socket: TLSSocket): Error | undefined {
  const handle: unknown = "ssl" in socket ? socket.ssl : undefined;
  const code: unknown = hasVerifyError(handle) ? handle.verifyError() : "UNABLE_TO_VERIFY";
  if (code === null || code === undefined || code === "") return undefined;
  return Object.assign(new Error(`the client's certificate: ${code}`), { code });
}

function hasVerifyError(handle: unknown): handle is { verifyError(): unknown } {
  return typeof handle === "object" && handle !== null && "verifyError" in handle &&
    typeof handle.verifyError === "function";
}

function checked(options: TlsServerOptions): [Material, CertificateFacts] {
  const { cert, key, clientCa, names = {} } = options;
  const certName = names.cert ?? "the certificate";
  const leaf = certificateWithKey(options, { cert: certName, key: names.key ?? "the private key" });
  if (clientCa !== undefined) certificatesIn(clientCa, names.clientCa ?? "the CA certificates of clients");
  const facts = certificateFacts(leaf);
  checkValidity(facts, certName);
  const secureContext = createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  return [{ secureContext, alpn: options.alpn ?? [], asksClient: clientCa !== undefined }, facts];
}

function checkValidity({ validFrom, validTo }: CertificateFacts, name: string): void {
  const now = Date.now();
  const day = (date: Date) => date.toISOString().replace(".000", "");
  if (validTo.getTime() < now) throw new TlsError("expired", `Cannot use ${name}: it expired on ${day(validTo)}`);
  if (validFrom.getTime() > now) {
    throw new TlsError("expired", `Cannot use ${name}: it is not valid before ${day(validFrom)}`);
  }
}
