import { assertEquals, assertInstanceOf } from "@std/assert";
import { TlsError, type TlsReason } from "../../src/base/errors.ts";
import { toSocketError } from "../../src/net/socket_error.ts";
import { toHandshakeError } from "../../src/net/tls_error.ts";

Deno.test("toHandshakeError() names what a certificate is for, also an address as a host name, or without names", () => {
  const text = (message: string, subjectaltname?: string) =>
    toHandshakeError(
      Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID", cert: { subjectaltname } }),
      "tls://a:1",
    ).message;
  const mismatch = "Hostname/IP does not match certificate's altnames: ";
  assertEquals(
    text(`${mismatch}IP: 127.0.0.1 is not in the cert's list: `, "DNS:127.0.0.1, DNS:db.test"),
    "Cannot speak TLS with tls://a:1: the certificate is not for 127.0.0.1, " +
      "but for 127.0.0.1 as a host name, db.test",
  );
  assertEquals(
    text(`${mismatch}Host: localhost. is not cert's CN: db.test`),
    "Cannot speak TLS with tls://a:1: the certificate is not for localhost, but for db.test",
  );
});

Deno.test("toHandshakeError() and toSocketError() distinguish alerts about our certificate from faults of the peer's (fault 15)", () => {
  const cases: [message: string, reason: TlsReason][] = [
    ["received fatal alert: UnknownCA", "rejected"],
    ["received fatal alert: CertificateExpired", "rejected"],
    ["received fatal alert: BadCertificate", "rejected"],
    ["received fatal alert: CertificateRequired", "client certificate"],
    ["received fatal alert: HandshakeFailure", "protocol"],
    ["invalid peer certificate: UnknownIssuer", "untrusted"],
    ["invalid peer certificate: Expired", "expired"],
  ];
  for (const [message, reason] of cases) {
    const errors = [
      toHandshakeError(new Error(message), "tls://x:1"),
      toSocketError(new Error(message), "read from", "tls://x:1"),
    ];
    for (const error of errors) {
      assertInstanceOf(error, TlsError);
      assertEquals(error.reason, reason, message);
      assertEquals(error.message.includes("the peer rejected our certificate"), reason === "rejected");
    }
  }
});
