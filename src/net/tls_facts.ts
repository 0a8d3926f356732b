import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { escapeControls, joinLines } from "../base/bytes.ts";
import { type Distrust, distrustOf } from "./tls_distrust.ts";
import { tlsReasonOf } from "./tls_error.ts";

/** What a certificate says. */
export interface CertificateFacts {
  /** Its owner, as in `CN=localhost`. */
  readonly subject: string;
  /** Who signed it. */
  readonly issuer: string;
  /** Host names and addresses that it is for (RFC 5280, section 4.2.1.6). */
  readonly names: readonly string[];
  /** It is valid from then on. */
  readonly validFrom: Date;
  /** It is valid until then. */
  readonly validTo: Date;
  /** Its number at its issuer, in hexadecimal digits. */
  readonly serialNumber: string;
  /** SHA-256 of the whole certificate, as pairs of hexadecimal digits with colons. */
  readonly sha256: string;
}

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
  readonly distrust: Distrust | undefined;
}

const MS_PER_DAY = 86_400_000;

/** Whole days until the certificate is no longer valid; negative once it has expired. */
export function daysLeft(certificate: CertificateFacts, nowMs: number = Date.now()): number {
  return Math.floor((certificate.validTo.getTime() - nowMs) / MS_PER_DAY);
}

/** The facts of a certificate. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: namesOf(certificate.subjectAltName),
    validFrom: new Date(certificate.validFrom),
    validTo: new Date(certificate.validTo),
    serialNumber: certificate.serialNumber,
    sha256: certificate.fingerprint256,
  };
}

/** The facts of a connection whose handshake is done. */
export function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  for (
    let next = socket.getPeerX509Certificate();
    next && !seen.has(next.fingerprint256);
    next = next.issuerCertificate
  ) {
    seen.add(next.fingerprint256);
    chain.push(certificateFacts(next));
  }
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher()?.name ?? "",
    alpn: socket.alpnProtocol || undefined,
    chain,
    distrust: refusalOf(socket, chain),
  };
}

function refusalOf(socket: TLSSocket, chain: readonly CertificateFacts[]): Distrust | undefined {
  // A text at run time, whatever its declaration says: the code of the failed check.
  const code: unknown = socket.authorizationError;
  if (code === null || code === undefined) return undefined;
  const reason = tlsReasonOf(new Error(String(code))) ?? "other";
  if (reason === "name") return { reason, text: `the certificate is for ${chain[0]?.names.join(", ") || "no name"}` };
  return distrustOf(chain) ?? { reason, text: String(code).replaceAll("_", " ").toLowerCase() };
}

/** A name is the peer's word: nothing in it may move a terminal. */
function oneLine(name: string | undefined): string {
  return escapeControls(joinLines(name ?? "", ", "));
}

function namesOf(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? "").split(/,\s*/).flatMap((entry) => {
    const name = /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1];
    return name === undefined ? [] : [escapeControls(name)];
  });
}
