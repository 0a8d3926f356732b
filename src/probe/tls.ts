import { ParleyError } from "../base/errors.ts";
import { daysLeft } from "../net/tls_certificate.ts";
import type { TlsFacts } from "../net/tls_facts.ts";
import type { Facts, ProbeContext } from "./probe.ts";

/**
 * Compares what a handshake agreed on with what is expected. The handshake
 * itself has verified the chain and the name.
 *
 * @throws {ParleyError} It differs.
 */
export function assertTls(tls: TlsFacts, { target, expected, connect }: ProbeContext): Facts {
  const [leaf] = tls.chain;
  const endpoint = target.text;
  const wrong = (what: string) => new ParleyError(`${endpoint} ${what}`, { endpoint });
  if (expected.minTls !== undefined && tls.version < expected.minTls) {
    throw wrong(`speaks ${tls.version}; required: ${expected.minTls}`);
  }
  const offered = connect.tls?.alpn ?? [];
  if (offered.length > 0 && tls.alpn === undefined) throw wrong(`agreed on none of ${offered.join(", ")} (ALPN)`);
  if (leaf === undefined) throw wrong("sent no certificate");
  const days = daysLeft(leaf);
  if (expected.minDays !== undefined && days < expected.minDays) {
    throw wrong(`has a certificate that expires in ${days} days; required: ${expected.minDays}`);
  }
  return {
    tls: tls.version,
    ...(tls.alpn === undefined ? {} : { alpn: tls.alpn }),
    days,
    subject: leaf.subject,
    issuer: leaf.issuer,
    names: leaf.names,
    chain: tls.chain.length,
    ...(tls.distrust === undefined ? {} : { distrust: tls.distrust.text }),
  };
}
