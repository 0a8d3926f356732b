import { X509Certificate } from "node:crypto";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { type CertificateFacts, certificateFacts } from "./tls_certificate.ts";
import { type CertificateFault, diagnoseCertificate } from "./tls_certificate_fault.ts";
import { tlsReasonOf } from "./tls_error.ts";

/** What a TLS handshake agreed on, and who the peer says it is. */
export interface TlsFacts {
  /** As in `TLSv1.3`. */
  readonly version: string;
  /** As in `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The application protocol that was agreed on (RFC 7301). */
  readonly alpn: string | undefined;
  /** The peer's certificate, then that of its issuer, and so on; empty where it showed none. */
  readonly chain: readonly CertificateFacts[];
  /** Why the peer's certificate would have been refused, had it not been for `insecure`. */
  readonly distrust: CertificateFault | undefined;
}

/** The certificates that the peer showed, its own first, then that of its issuer, and so on. */
export function peerCertificates(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  // An issuer is missing where the peer did not show it, and is the certificate itself at a root.
  let next: Partial<ReturnType<TLSSocket["getPeerCertificate"]>> | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && next.fingerprint256 !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    chain.push(new X509Certificate(next.raw));
    next = "issuerCertificate" in next ? next.issuerCertificate as PeerCertificate | undefined : undefined;
  }
  return chain;
}

/** The facts of a connection whose handshake is done. */
export function tlsFactsOf(socket: TLSSocket, certificates: readonly X509Certificate[]): TlsFacts {
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher()?.name ?? "",
    alpn: socket.alpnProtocol || undefined,
    chain: certificates.map(certificateFacts),
    distrust: faultOf(socket, certificates),
  };
}

function faultOf(socket: TLSSocket, certificates: readonly X509Certificate[]): CertificateFault | undefined {
  // A text at run time, whatever its declaration says: the code of the failed check.
  const code: unknown = socket.authorizationError;
  const [leaf] = certificates;
  if (code === null || code === undefined || leaf === undefined) return undefined;
  const reason = tlsReasonOf(new Error(String(code))) ?? "other";
  if (reason === "name") {
    return { reason, text: `the certificate is for ${certificateFacts(leaf).names.join(", ") || "no name"}` };
  }
  return diagnoseCertificate(certificates) ?? { reason, text: String(code).replaceAll("_", " ").toLowerCase() };
}
