import { X509Certificate } from "node:crypto";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { type CertificateFacts, certificateFacts } from "./tls_certificate.ts";
import { type CertificateFault, diagnoseCertificate } from "./tls_certificate_fault.ts";
import { tlsReasonOf } from "./tls_error.ts";

/** The results of a TLS handshake. */
export interface TlsFacts {
  /** For example `TLSv1.3`. */
  readonly version: string;
  /** For example `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Negotiated application protocol (RFC 7301). */
  readonly alpn: string | undefined;
  /** The peer's certificate chain, its own first; empty if it presented none. */
  readonly chain: readonly CertificateFacts[];
  /** Why the peer's certificate would have been rejected without `insecure`. */
  readonly distrust: CertificateFault | undefined;
}

/** The certificate chain that the peer presented, its own first. */
export function peerCertificates(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  // The issuer is missing if the peer did not present it; a root is its own issuer.
  let next: Partial<ReturnType<TLSSocket["getPeerCertificate"]>> | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && next.fingerprint256 !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    chain.push(new X509Certificate(next.raw));
    next = "issuerCertificate" in next ? next.issuerCertificate as PeerCertificate | undefined : undefined;
  }
  return chain;
}

/** The results of a completed handshake. */
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
  // At run time this is a string, the code of the failed check, despite its declaration.
  const code: unknown = socket.authorizationError;
  const [leaf] = certificates;
  if (code === null || code === undefined || leaf === undefined) return undefined;
  const reason = tlsReasonOf(new Error(String(code))) ?? "other";
  if (reason === "name") {
    return { reason, text: `the certificate is for ${certificateFacts(leaf).names.join(", ") || "no name"}` };
  }
  return diagnoseCertificate(certificates) ?? { reason, text: String(code).replaceAll("_", " ").toLowerCase() };
}
