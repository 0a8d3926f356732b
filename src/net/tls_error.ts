/**
 * Why TLS failed, from what the runtime's TLS says: OpenSSL's codes where it
 * imitates them, the names of rustls in the text otherwise.
 *
 * @module
 */

import { messageOf, ParleyError, TlsError, type TlsReason } from "../base/errors.ts";

const REASONS: readonly (readonly [RegExp, TlsReason])[] = [
  [/ALTNAME_INVALID|NotValidForName|not valid for name/, "name"],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CertificateExpired|Expired|NotValidYet/i, "expired"],
  [/NO_APPLICATION_PROTOCOL|NoApplicationProtocol|support any known protocol/, "alpn"],
  [/CERTIFICATE_REQUIRED|CertificateRequired|DID_NOT_RETURN_A_CERTIFICATE|sent no certificates/, "client certificate"],
  [
    /UNABLE_TO_|SELF_SIGNED|UNKNOWN_CA|UnknownIssuer|UnknownCA|CaUsedAsEndEntity|BadSignature|Revoked|BAD_CERTIFICATE|BadCertificate/,
    "untrusted",
  ],
  [
    /WRONG_VERSION|PROTOCOL_VERSION|InvalidContentType|corrupt message|InvalidMessage|HandshakeFailure|HANDSHAKE_FAILURE|ProtocolVersion|SSL routines|ERR_SSL|peer (?:is incompatible|misbehaved)/i,
    "protocol",
  ],
  [/before secure TLS connection/, "closed"],
];

/** The reason, or `undefined` where the error is not one of TLS. */
export function tlsReasonOf(error: Error): TlsReason | undefined {
  const code = "code" in error ? String(error.code) : "";
  const text = `${code} ${error.message}`;
  return REASONS.find(([pattern]) => pattern.test(text))?.[1];
}

const EXPLANATIONS: Readonly<Record<TlsReason, string>> = {
  untrusted: "the certificate is not trusted",
  expired: "the certificate is not valid now",
  name: "the certificate is for another name",
  protocol: "the two sides have no TLS in common",
  alpn: "no application protocol in common (ALPN)",
  "client certificate": "a client certificate is required",
  closed: "the peer closed the connection during the handshake",
  other: "the handshake failed",
};

/** A failed handshake as a {@linkcode TlsError}; what is no matter of TLS, such as a reset, stays as it is. */
export function toHandshakeError(error: unknown, endpoint: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const reason = tlsReasonOf(error);
  if (error instanceof ParleyError || reason === undefined) return error;
  const detail = reason === "closed" ? "" : ` (${tidy(messageOf(error))})`;
  const isPlain = /InvalidContentType|WRONG_VERSION_NUMBER|wrong version number/.test(
    `${codeOf(error)} ${error.message}`,
  );
  const explanation = isPlain ? "the peer does not speak TLS" : EXPLANATIONS[reason];
  return new TlsError(reason, `TLS with ${endpoint} failed: ${explanation}${isPlain ? "" : detail}`, {
    endpoint,
    cause: error,
  });
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}

/** Without the repetition that OpenSSL's users know the error by. */
function tidy(message: string): string {
  return message.replace(/ \(SSL routines:.*\)$/, "").replace(/: https:\/\/\S+$/, "");
}
