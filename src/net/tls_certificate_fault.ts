import type { X509Certificate } from "node:crypto";
import { indexOfBytes } from "../base/bytes.ts";
import type { TlsReason } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { certificateFacts, MS_PER_DAY } from "./tls_certificate.ts";

/** Why a certificate is rejected. */
export interface CertificateFault {
  /** See {@linkcode TlsError.reason}. */
  readonly reason: TlsReason;
  /** For example `the certificate expired 3 days ago (2026-11-19)`. */
  readonly text: string;
}

/**
 * Object identifiers in DER: extended key usage, and its values serverAuth and anyExtendedKeyUsage (RFC 5280, section
 * 4.2.1.12).
 */
const EXTENDED_KEY_USAGE = Uint8Array.of(0x06, 0x03, 0x55, 0x1d, 0x25);
const SERVER_AUTHENTICATION = Uint8Array.of(0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01);
const ANY_USAGE = Uint8Array.of(0x06, 0x04, 0x55, 0x1d, 0x25, 0x00);

/**
 * Diagnoses why a server's certificate chain was rejected, because the runtime gives few details. For rejected chains
 * only; names are not checked.
 *
 * @param shown The chain as presented, the server's own certificate first.
 * @param trusted The trusted certificates, if known; those of the system are not.
 */
export function diagnoseCertificate(
  shown: readonly X509Certificate[],
  trusted: readonly X509Certificate[] = [],
  nowMs: number = Date.now(),
): CertificateFault | undefined {
  const { chain, isForged } = linked(shown);
  const [leaf] = chain;
  const last = chain.at(-1);
  if (leaf === undefined || last === undefined) return undefined;
  for (const certificate of chain) {
    const whose = certificate === leaf ? "the certificate" : `the certificate of its issuer ${subjectOf(certificate)}`;
    const fault = untimely(certificate, whose, nowMs);
    if (fault !== undefined) return fault;
  }
  const untrusted = (text: string): CertificateFault => ({ reason: "untrusted", text });
  if (isForged) {
    return untrusted(`${subjectOf(last)} names the issuer ${issuerOf(last)}, but the presented one did not sign it`);
  }
  const namesakes = trusted.filter(({ subject }) => subject === last.issuer);
  const signer = namesakes.find((candidate) => isSignedBy(last, candidate));
  const rejection = rejectionOf(chain);
  if (signer !== undefined) {
    return untimely(signer, `the trusted certificate ${subjectOf(signer)}`, nowMs) ??
      untrusted(`the certificate is signed by the trusted ${subjectOf(signer)}, but rejected: ${rejection ?? UNKNOWN}`);
  }
  if (namesakes.length > 0) return untrusted(notSigned(leaf, last));
  // Without the trusted certificates only the chain itself is conclusive.
  return untrusted(
    trusted.length === 0 && rejection !== undefined
      ? `the certificate is rejected: ${rejection}`
      : stranger(leaf, last),
  );
}

const UNKNOWN = "the reason is unknown";

/** Orders the chain by names and signatures; it is forged if only the names match. */
function linked(shown: readonly X509Certificate[]): { chain: readonly X509Certificate[]; isForged: boolean } {
  const chain = shown.slice(0, 1);
  for (let last = chain[0]; last !== undefined && last.subject !== last.issuer;) {
    const named: readonly X509Certificate[] = shown.filter((other) => other.subject === last?.issuer);
    const next: X509Certificate | undefined = named.find((other) => last !== undefined && isSignedBy(last, other));
    if (next === undefined) return { chain, isForged: named.length > 0 };
    if (chain.includes(next)) break;
    chain.push(next);
    last = next;
  }
  return { chain, isForged: false };
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // The key has a different type from the signature.
    return false;
  }
}

/** A rule of RFC 5280, section 4.2.1 that a correctly signed chain violates. */
function rejectionOf([leaf, ...issuers]: readonly X509Certificate[]): string | undefined {
  const notCa = issuers.find(({ ca }) => !ca);
  if (notCa !== undefined) return `its issuer ${subjectOf(notCa)} is not a CA certificate`;
  if (leaf === undefined) return undefined;
  if (leaf.ca) return "it is a CA certificate, which a server must not use as its own";
  const usage = indexOfBytes(leaf.raw, EXTENDED_KEY_USAGE);
  const hasUsage = (wanted: Uint8Array) => indexOfBytes(leaf.raw, wanted, usage + 1) !== -1;
  if (usage === -1 || hasUsage(SERVER_AUTHENTICATION) || hasUsage(ANY_USAGE)) return undefined;
  return "its extended key usage does not include server authentication";
}

function untimely(certificate: X509Certificate, name: string, nowMs: number): CertificateFault | undefined {
  const { validFrom, validTo } = certificateFacts(certificate);
  const sinceMs = nowMs - validTo.getTime();
  if (sinceMs > 0) {
    return { reason: "expired", text: `${name} expired ${formatSpan(sinceMs)} ago (${dateOf(validTo)})` };
  }
  const untilMs = validFrom.getTime() - nowMs;
  if (untilMs <= 0) return undefined;
  return { reason: "expired", text: `${name} is not valid before ${dateOf(validFrom)}, in ${formatSpan(untilMs)}` };
}

/** For an issuer with the name but not the key of a trusted one. */
function notSigned(leaf: X509Certificate, last: X509Certificate): string {
  if (last !== leaf && last.subject === last.issuer) {
    return `the issuer ${subjectOf(last)} is not the trusted one of that name`;
  }
  const whose = last === leaf ? "the certificate" : `the certificate of its issuer ${subjectOf(last)}`;
  return `${whose} names the issuer ${issuerOf(last)}, but the trusted one of that name did not sign it`;
}

function stranger(leaf: X509Certificate, last: X509Certificate): string {
  if (last.subject !== last.issuer) return `the issuer of the certificate, ${issuerOf(last)}, is not trusted`;
  return last === leaf
    ? `the certificate is self-signed by ${subjectOf(leaf)}, which is not trusted`
    : `the certificate leads to ${subjectOf(last)}, which is not trusted`;
}

function subjectOf(certificate: X509Certificate): string {
  return certificateFacts(certificate).subject;
}

function issuerOf(certificate: X509Certificate): string {
  return certificateFacts(certificate).issuer;
}

function formatSpan(ms: number): string {
  const days = Math.floor(ms / MS_PER_DAY);
  if (days < 1) return formatDuration(Math.max(1_000, Math.floor(ms / 1_000) * 1_000));
  return days === 1 ? "1 day" : `${days} days`;
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
