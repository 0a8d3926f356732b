import type { X509Certificate } from "node:crypto";
import { escapeControls, joinLines } from "../base/bytes.ts";

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

/** Milliseconds of a day. */
export const MS_PER_DAY = 86_400_000;

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
