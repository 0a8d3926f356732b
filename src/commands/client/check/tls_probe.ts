import { ParleyError } from "../../../base/errors.ts";
import { daysLeft, type TlsFacts } from "../../../net/tls_facts.ts";
import type { Expectations, Facts } from "./probe.ts";

/**
 * Judges what a handshake agreed on; that the chain is trusted and the name is
 * right has been seen by the handshake itself.
 *
 * @throws {ParleyError} It is not as expected.
 */
export function assertTls(tls: TlsFacts, expected: Expectations, endpoint: string): Facts {
  const [leaf] = tls.chain;
  const wrong = (what: string) => new ParleyError(`${endpoint} ${what}`, { endpoint });
  if (expected.minTls !== undefined && tls.version < expected.minTls) {
    throw wrong(`speaks ${tls.version}, and ${expected.minTls} is the least`);
  }
  const offered = expected.connect.tls?.alpn ?? [];
  if (offered.length > 0 && tls.alpn === undefined) throw wrong(`agreed on none of ${offered.join(", ")} (ALPN)`);
  if (leaf === undefined) throw wrong("showed no certificate");
  const days = daysLeft(leaf);
  if (expected.minDays !== undefined && days < expected.minDays) {
    throw wrong(`has a certificate for ${days} more days, and ${expected.minDays} is the least`);
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
