import type { TlsReason } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { CertificateFacts } from "./tls_facts.ts";

/** Why a certificate is not trusted. */
export interface Distrust {
  /** What {@linkcode TlsError.reason} would say. */
  readonly reason: TlsReason;
  /** As in `the certificate expired 3 days ago (2026-11-19)`. */
  readonly text: string;
}

const MS_PER_DAY = 86_400_000;

/**
 * Why a peer's certificates were refused, as they tell it themselves: the
 * runtime says no more than that they were. To be asked of a chain that was
 * refused; names are not looked at.
 *
 * @param shown The peer's own first.
 * @param trusted The certificates that are trusted, where they are known: not those of the system.
 */
export function distrustOf(
  shown: readonly CertificateFacts[],
  trusted: readonly CertificateFacts[] = [],
  nowMs: number = Date.now(),
): Distrust | undefined {
  const chain = linked(shown);
  const [leaf] = chain;
  const last = chain.at(-1);
  if (leaf === undefined || last === undefined) return undefined;
  for (const certificate of chain) {
    const name = certificate === leaf ? "the certificate" : `the certificate of its issuer ${certificate.subject}`;
    const distrust = untimely(certificate, name, nowMs);
    if (distrust !== undefined) return distrust;
  }
  const namesake = trusted.find(({ subject }) => subject === last.issuer);
  const outOfTime = namesake && untimely(namesake, `the trusted certificate ${namesake.subject}`, nowMs);
  return outOfTime ?? { reason: "untrusted", text: stranger(leaf, last, namesake !== undefined) };
}

/** Those at the beginning that each name the next as the issuer: what servers show behind these signs nothing. */
function linked(shown: readonly CertificateFacts[]): readonly CertificateFacts[] {
  const end = shown.findIndex(({ subject, issuer }, index) =>
    subject === issuer || shown[index + 1]?.subject !== issuer
  );
  return shown.slice(0, end + 1);
}

function untimely({ validFrom, validTo }: CertificateFacts, name: string, nowMs: number): Distrust | undefined {
  const sinceMs = nowMs - validTo.getTime();
  if (sinceMs > 0) {
    return { reason: "expired", text: `${name} expired ${formatSpan(sinceMs)} ago (${dateOf(validTo)})` };
  }
  const untilMs = validFrom.getTime() - nowMs;
  if (untilMs <= 0) return undefined;
  return { reason: "expired", text: `${name} is not valid before ${dateOf(validFrom)}, in ${formatSpan(untilMs)}` };
}

function stranger(leaf: CertificateFacts, last: CertificateFacts, hasNamesake: boolean): string {
  const isSelfSigned = last.subject === last.issuer;
  if (hasNamesake && last !== leaf && isSelfSigned) {
    return `the issuer ${last.subject} is not the trusted one of that name`;
  }
  if (hasNamesake) {
    return `the certificate names the issuer ${last.issuer}, but the trusted one of that name did not sign it`;
  }
  if (!isSelfSigned) return `the issuer of the certificate, ${last.issuer}, is not trusted`;
  return last === leaf
    ? `the certificate is self-signed by ${leaf.subject}, which is not trusted`
    : `the certificate leads to ${last.subject}, which is not trusted`;
}

function formatSpan(ms: number): string {
  const days = Math.floor(ms / MS_PER_DAY);
  if (days < 1) return formatDuration(Math.max(1_000, Math.floor(ms / 1_000) * 1_000));
  return days === 1 ? "1 day" : `${days} days`;
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
