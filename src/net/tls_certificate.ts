import type { X509Certificate } from "node:crypto";
import { escapeControls, joinLines } from "../base/bytes.ts";

/** The fields of a certificate. */
export interface CertificateFacts {
  /** Subject, for example `CN=localhost`. */
  readonly subject: string;
  /** Issuer. */
  readonly issuer: string;
  /** Subject alternative names: host names and addresses (RFC 5280, section 4.2.1.6). */
  readonly names: readonly string[];
  /** Start of the validity period. */
  readonly validFrom: Date;
  /** End of the validity period. */
  readonly validTo: Date;
  /** Serial number in hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256 fingerprint, as pairs of hexadecimal digits with colons. */
  readonly sha256: string;
}

export const MS_PER_DAY = 86_400_000;

/** Full days until the certificate expires; negative once it has. */
export function daysLeft(certificate: CertificateFacts, nowMs: number = Date.now()): number {
  return Math.floor((certificate.validTo.getTime() - nowMs) / MS_PER_DAY);
}

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

/** Names come from the peer and must not contain control sequences. */
function oneLine(name: string | undefined): string {
  return escapeControls(joinLines(name ?? "", ", "));
}

function namesOf(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? "").split(/,\s*/).flatMap((entry) => {
    const name = /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1];
    return name === undefined ? [] : [escapeControls(name)];
  });
}
