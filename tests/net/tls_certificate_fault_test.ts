import { assertEquals, assertMatch } from "@std/assert";
import { diagnoseCertificate } from "../../src/net/tls_certificate_fault.ts";
import { certificatesIn } from "../../src/net/tls_pem.ts";
import { type LeafOptions, selfSigned, TestAuthority } from "../support/certificates.ts";

const root = await TestAuthority.create("Some CA");
const namesake = await TestAuthority.create("Some CA");
const other = await TestAuthority.create("Another CA");
const lapsed = await TestAuthority.create("Lapsed CA", { fromDays: -9, toDays: -1.1 });
const first = await root.intermediate("First");
const second = await first.intermediate("Second");
const expiredSecond = await first.intermediate("Second", { fromDays: -9, toDays: -2.1 });
const expiredFirst = await root.intermediate("First", { fromDays: -9, toDays: -2.1 });

const leaf = async (authority: TestAuthority, options?: LeafOptions) => (await authority.issue(options)).cert;
const own = (await selfSigned()).cert;

const CASES: readonly { name: string; shown: string[]; trusted?: string[]; reason: string; says: RegExp }[] = [
  {
    name: "expired days ago",
    shown: [await leaf(root, { fromDays: -9, toDays: -3.1 })],
    reason: "expired",
    says: /^the certificate expired 3 days ago \(\d{4}-\d\d-\d\d\)$/,
  },
  {
    name: "expired hours ago",
    shown: [await leaf(root, { toDays: -0.1 })],
    reason: "expired",
    says: /^the certificate expired 2\.4h ago/,
  },
  {
    name: "not valid yet",
    shown: [await leaf(root, { fromDays: 1.1 })],
    reason: "expired",
    says: /^the certificate is not valid before \S+, in 1 day$/,
  },
  {
    name: "an expired second intermediate (fault 15)",
    shown: await (async () => {
      const two = await expiredFirst.intermediate("Second");
      return [await leaf(two), two.cert, expiredFirst.cert];
    })(),
    trusted: [root.cert],
    reason: "expired",
    says: /^the certificate of its issuer CN=First expired 2 days ago/,
  },
  {
    name: "an issuer shown that has the right name and another key (fault 15)",
    shown: [await leaf(second), second.cert, expiredFirst.cert, root.cert],
    trusted: [root.cert],
    reason: "untrusted",
    says: /^CN=Second names the issuer CN=First, but the presented one did not sign it$/,
  },
  {
    name: "an expired first intermediate (fault 15)",
    shown: [await leaf(expiredSecond), expiredSecond.cert, first.cert],
    trusted: [root.cert],
    reason: "expired",
    says: /^the certificate of its issuer CN=Second expired 2 days ago/,
  },
  {
    name: "intermediates in the wrong order, with an expired root (fault 15)",
    shown: await (async () => {
      const one = await lapsed.intermediate("One");
      const two = await one.intermediate("Two");
      return [await leaf(two), lapsed.cert, one.cert, two.cert];
    })(),
    trusted: [lapsed.cert],
    reason: "expired",
    says: /^the certificate of its issuer CN=Lapsed CA expired 1 day ago/,
  },
  {
    name: "an expired certificate among the trusted",
    shown: [await leaf(lapsed)],
    trusted: [lapsed.cert],
    reason: "expired",
    says: /^the trusted certificate CN=Lapsed CA expired 1 day ago/,
  },
  {
    name: "a self-signed one",
    shown: [own],
    reason: "untrusted",
    says: /^the certificate is self-signed by CN=localhost, which is not trusted$/,
  },
  {
    name: "a self-signed one, shown with an unrelated one",
    shown: [own, root.cert],
    reason: "untrusted",
    says: /^the certificate is self-signed by CN=localhost, which is not trusted$/,
  },
  {
    name: "an unknown issuer",
    shown: [await leaf(root)],
    trusted: [other.cert],
    reason: "untrusted",
    says: /^the issuer of the certificate, CN=Some CA, is not trusted$/,
  },
  {
    name: "an unknown root",
    shown: [await leaf(root), root.cert],
    reason: "untrusted",
    says: /^the certificate leads to CN=Some CA, which is not trusted$/,
  },
  {
    name: "another issuer of a trusted name",
    shown: [await leaf(root)],
    trusted: [namesake.cert],
    reason: "untrusted",
    says: /^the certificate names the issuer CN=Some CA, but the trusted one of that name did not sign it$/,
  },
  {
    name: "another root of a trusted name",
    shown: [await leaf(root), root.cert],
    trusted: [namesake.cert],
    reason: "untrusted",
    says: /^the issuer CN=Some CA is not the trusted one of that name$/,
  },
  {
    name: "another root above an intermediate",
    shown: [await leaf(first), first.cert],
    trusted: [namesake.cert],
    reason: "untrusted",
    says:
      /^the certificate of its issuer CN=First names the issuer CN=Some CA, but the trusted one of that name did not/,
  },
  {
    name: "a client's certificate that the trusted CA signed (fault 15)",
    shown: [await leaf(root, { usages: ["client"] })],
    trusted: [namesake.cert, root.cert],
    reason: "untrusted",
    says: /^the certificate is signed by the trusted CN=Some CA, but rejected: its extended key usage does not include/,
  },
  {
    name: "a CA certificate as a leaf that the trusted CA signed (fault 15)",
    shown: [await leaf(root, { isAuthority: true })],
    trusted: [root.cert],
    reason: "untrusted",
    says: /^the certificate is signed by the trusted CN=Some CA, but rejected: it is a CA certificate/,
  },
  {
    name: "a sound one that the trusted CA signed (fault 15)",
    shown: [await leaf(second), second.cert, first.cert],
    trusted: [root.cert],
    reason: "untrusted",
    says: /^the certificate is signed by the trusted CN=Some CA, but rejected: the reason is unknown$/,
  },
  {
    name: "a client's certificate, when the trusted ones are the system's (fault 15)",
    shown: [await leaf(root, { usages: ["client"] })],
    reason: "untrusted",
    says: /^the certificate is rejected: its extended key usage does not include server authentication$/,
  },
  {
    name: "a leaf that is signed by another leaf (fault 15)",
    shown: [await leaf(first), first.cert, (await root.issue({ name: "First" })).cert],
    trusted: [other.cert],
    reason: "untrusted",
    says: /^the issuer of the certificate, CN=Some CA, is not trusted$/,
  },
];

for (const { name, shown, trusted = [], reason, says } of CASES) {
  Deno.test(`diagnoseCertificate() finds the fault of a chain of ${name}`, () => {
    const read = (pems: readonly string[]) => pems.flatMap((pem) => certificatesIn(pem, "it"));
    const fault = diagnoseCertificate(read(shown), read(trusted));
    assertEquals(fault?.reason, reason, fault?.text);
    assertMatch(fault?.text ?? "", says);
  });
}

Deno.test("diagnoseCertificate() reports nothing for a peer without a certificate", () => {
  assertEquals(diagnoseCertificate([]), undefined);
});
