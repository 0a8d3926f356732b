/**
 * Determines why TLS failed from the runtime's error: OpenSSL codes where the runtime has them, otherwise rustls names
 * in the message.
 *
 * @module
 */

import { escapeControls } from "../base/bytes.ts";
import { isIp } from "../base/ip.ts";
import { codeOf, messageOf, ParleyError, TlsError, type TlsReason } from "../base/errors.ts";

/** Alerts that a peer sends about our certificate (RFC 8446, section 6.2), not about its own. */
const CERTIFICATE_ALERT =
  /received fatal alert: (?:UnknownCA|BadCertificate|UnsupportedCertificate|Certificate(?:Expired|Revoked|Unknown))|ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN))/;

const REASONS: readonly (readonly [RegExp, TlsReason])[] = [
  [CERTIFICATE_ALERT, "rejected"],
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

/** The reason, or `undefined` if the error is not about TLS. */
export function tlsReasonOf(error: Error): TlsReason | undefined {
  const text = textOf(error);
  return REASONS.find(([pattern]) => pattern.test(text))?.[1];
}

const EXPLANATIONS: Readonly<Record<TlsReason, string>> = {
  untrusted: "the certificate is not trusted",
  expired: "the certificate is not valid now",
  name: "the certificate is for another name",
  protocol: "no common TLS version or cipher suite",
  alpn: "no application protocol in common (ALPN)",
  "client certificate": "a client certificate is required",
  rejected: "the peer rejected our certificate",
  closed: "the peer closed the connection during the handshake",
  other: "the handshake failed",
};

/** Converts a handshake error to a {@linkcode TlsError}; other errors, such as a reset, are returned unchanged. */
export function toHandshakeError(error: unknown, endpoint: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const reason = tlsReasonOf(error);
  if (error instanceof ParleyError || reason === undefined) return error;
  return new TlsError(reason, `Cannot speak TLS with ${endpoint}: ${explainTls(error, reason)}`, {
    endpoint,
    cause: error,
  });
}

/** The reason in words, with the runtime's message. */
export function explainTls(error: Error, reason: TlsReason): string {
  if (/InvalidContentType|WRONG_VERSION_NUMBER|wrong version number/.test(textOf(error))) {
    return "the peer does not speak TLS";
  }
  const names = /(?:Host|IP): (\S+?)\.? is not (?:in the cert's (?:altnames|list)|cert's CN): (.*)$/.exec(
    error.message,
  );
  if (names) {
    const [, asked, has = ""] = names;
    // For an address the runtime lists only addresses, but the certificate may have names.
    const all = (has || altNamesOf(error))
      // Such an entry is not compared with addresses (RFC 9525, section 6.4).
      .replaceAll(/DNS:([^,]+)/g, (_, name: string) => isIp(name) ? `${name} as a host name` : name)
      .replaceAll("IP Address:", "");
    return `the certificate is not for ${asked}, ${all === "" ? "and has no name" : `but for ${escapeControls(all)}`}`;
  }
  if (/received fatal alert: HandshakeFailure/.test(error.message)) {
    return "the peer aborted the handshake: no TLS version or cipher in common, or a client certificate is required";
  }
  return reason === "closed" ? EXPLANATIONS.closed : `${EXPLANATIONS[reason]} (${tidy(messageOf(error))})`;
}

function altNamesOf(error: Error): string {
  const cert: unknown = "cert" in error ? error.cert : undefined;
  const names: unknown = typeof cert === "object" && cert !== null && "subjectaltname" in cert && cert.subjectaltname;
  return typeof names === "string" ? names : "";
}

/** The runtime's message, with the OpenSSL code if there is one. */
function textOf(error: Error): string {
  return `${codeOf(error) ?? ""} ${error.message}`;
}

/** Removes repetition from OpenSSL's message. */
function tidy(message: string): string {
  return message.replace(/ \(SSL routines:.*\)$/, "").replace(/: https:\/\/\S+$/, "");
}
