import { assertEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { peerCertificates, tlsFactsOf } from "../../src/net/tls_facts.ts";
import { TestAuthority } from "../support/certificates.ts";

const authority = await TestAuthority.create();
const leaf = new X509Certificate((await authority.issue()).cert);
const ca = new X509Certificate(authority.cert);

/** What a `node:tls` socket reports about its handshake. */
function socketOf(said: Record<string, unknown> = {}): TLSSocket {
  return {
    getProtocol: () => "TLSv1.3",
    getCipher: () => ({ name: "TLS_AES_128_GCM_SHA256" }),
    alpnProtocol: false,
    authorizationError: null,
    ...said,
  } as unknown as TLSSocket;
}

Deno.test("tlsFactsOf() has version, cipher, protocol and chain", () => {
  const { version, cipher, alpn, chain, distrust } = tlsFactsOf(socketOf(), [leaf, ca]);
  assertEquals([version, cipher, alpn, distrust], ["TLSv1.3", "TLS_AES_128_GCM_SHA256", undefined, undefined]);
  assertEquals(chain.map(({ subject }) => subject), ["CN=localhost", chain[1]?.subject]);
  const nothing = tlsFactsOf(socketOf({ getProtocol: () => null, getCipher: () => undefined, alpnProtocol: "h2" }), []);
  assertEquals([nothing.version, nothing.cipher, nothing.alpn, nothing.chain], ["", "", "h2", []]);
});

Deno.test("tlsFactsOf() reports why a certificate would have been rejected", () => {
  const distrustOf = (authorizationError: unknown, chain = [leaf]) =>
    tlsFactsOf(socketOf({ authorizationError }), chain).distrust;
  for (const none of [null, undefined]) assertEquals(distrustOf(none), undefined);
  // Without a certificate there is nothing to distrust.
  assertEquals(distrustOf("DEPTH_ZERO_SELF_SIGNED_CERT", []), undefined);
  assertEquals(distrustOf("ERR_TLS_CERT_ALTNAME_INVALID")?.reason, "name");
  assertEquals(distrustOf("ERR_TLS_CERT_ALTNAME_INVALID")?.text.startsWith("the certificate is for localhost"), true);
  assertEquals(distrustOf("UNABLE_TO_GET_ISSUER_CERT_LOCALLY")?.reason, "untrusted");
});

Deno.test("peerCertificates() walks from issuer to issuer, once around", () => {
  interface Shown {
    raw?: Uint8Array;
    fingerprint256?: string;
    issuerCertificate?: Shown;
  }
  const chainOf = (first: Shown | undefined) =>
    peerCertificates({ getPeerCertificate: () => first } as unknown as TLSSocket).map(({ fingerprint256 }) =>
      fingerprint256
    );
  const shown = (certificate: X509Certificate): Shown => ({
    raw: certificate.raw,
    fingerprint256: certificate.fingerprint256,
  });
  assertEquals(chainOf(undefined), []);
  assertEquals(chainOf({}), []);
  assertEquals(chainOf(shown(leaf)), [leaf.fingerprint256]);
  const root = shown(ca);
  root.issuerCertificate = root;
  assertEquals(chainOf({ ...shown(leaf), issuerCertificate: root }), [leaf.fingerprint256, ca.fingerprint256]);
});
