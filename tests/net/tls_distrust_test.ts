import { assertEquals } from "@std/assert";
import { distrustOf } from "../../src/net/tls_distrust.ts";
import type { CertificateFacts } from "../../src/net/tls_facts.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);

function inHours(hours: number): Date {
  return new Date(NOW_MS + hours * 3_600_000);
}

function certificate(given: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    subject: "CN=localhost",
    issuer: "CN=Some CA",
    names: ["localhost"],
    validFrom: inHours(-1_000),
    validTo: inHours(1_000),
    serialNumber: "01",
    sha256: "00",
    ...given,
  };
}

const root = certificate({ subject: "CN=Some CA" });

const CASES: readonly {
  name: string;
  chain: CertificateFacts[];
  trusted?: CertificateFacts[];
  says: [reason: string, text: string];
}[] = [
  {
    name: "expired days ago",
    chain: [certificate({ validTo: inHours(-80) })],
    says: ["expired", "the certificate expired 3 days ago (2026-11-19)"],
  },
  {
    name: "expired hours ago",
    chain: [certificate({ validTo: inHours(-2) })],
    says: ["expired", "the certificate expired 2h ago (2026-11-22)"],
  },
  {
    name: "not valid yet",
    chain: [certificate({ validFrom: inHours(24) })],
    says: ["expired", "the certificate is not valid before 2026-11-23, in 1 day"],
  },
  {
    name: "an expired issuer",
    chain: [certificate(), certificate({ subject: "CN=Some CA", issuer: "CN=Root", validTo: inHours(-25) })],
    says: ["expired", "the certificate of its issuer CN=Some CA expired 1 day ago (2026-11-21)"],
  },
  {
    name: "an expired certificate among the trusted",
    chain: [certificate()],
    trusted: [certificate({ subject: "CN=Some CA", issuer: "CN=Some CA", validTo: inHours(-25) })],
    says: ["expired", "the trusted certificate CN=Some CA expired 1 day ago (2026-11-21)"],
  },
  {
    name: "self-signed",
    chain: [certificate({ issuer: "CN=localhost" })],
    says: ["untrusted", "the certificate is self-signed by CN=localhost, which is not trusted"],
  },
  {
    name: "self-signed, and shown with one that has nothing to do with it",
    chain: [certificate({ issuer: "CN=localhost" }), root],
    says: ["untrusted", "the certificate is self-signed by CN=localhost, which is not trusted"],
  },
  {
    name: "an issuer nobody knows",
    chain: [certificate()],
    trusted: [certificate({ subject: "CN=Another CA" })],
    says: ["untrusted", "the issuer of the certificate, CN=Some CA, is not trusted"],
  },
  {
    name: "a root nobody knows",
    chain: [certificate(), root],
    says: ["untrusted", "the certificate leads to CN=Some CA, which is not trusted"],
  },
  {
    name: "a false issuer of a trusted name",
    chain: [certificate()],
    trusted: [root],
    says: [
      "untrusted",
      "the certificate names the issuer CN=Some CA, but the trusted one of that name did not sign it",
    ],
  },
  {
    name: "a false root of a trusted name",
    chain: [certificate(), root],
    trusted: [root],
    says: ["untrusted", "the issuer CN=Some CA is not the trusted one of that name"],
  },
];

for (const { name, chain, trusted, says: [reason, text] } of CASES) {
  Deno.test(`distrustOf() says what is wrong when the chain is of ${name}`, () => {
    assertEquals(distrustOf(chain, trusted, NOW_MS), { reason, text } as ReturnType<typeof distrustOf>);
  });
}

Deno.test("distrustOf() says nothing of a peer that shows no certificate", () => {
  assertEquals(distrustOf([]), undefined);
});
