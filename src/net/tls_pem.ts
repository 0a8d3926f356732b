import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/;

/**
 * Parses the certificates of a PEM text (RFC 7468).
 *
 * @param what For the message: `the certificate server.pem`.
 * @throws {SyntaxError} There is none, or one is damaged.
 */
export function certificatesIn(pem: string, what: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...rest] = (pem.match(CERTIFICATE) ?? []).map((text) => {
    try {
      return new X509Certificate(Buffer.from(text));
    } catch (cause) {
      throw new SyntaxError(`Cannot read ${what}: a certificate in it is damaged`, { cause });
    }
  });
  if (first === undefined) throw new SyntaxError(`Cannot read ${what}: it contains no PEM certificate`);
  return [first, ...rest];
}

/**
 * Parses the private key of a PEM text.
 *
 * @throws {SyntaxError} There is none, or it is damaged or encrypted.
 */
function privateKeyIn(pem: string, what: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw new SyntaxError(`Cannot read ${what}: it is encrypted; decrypt it with: openssl pkey -in FILE -out FILE`);
  }
  const [key] = PRIVATE_KEY.exec(pem) ?? [];
  if (key === undefined) throw new SyntaxError(`Cannot read ${what}: it contains no PEM private key`);
  try {
    // Alone: the runtime would take a certificate or parameters before it for the key.
    return createPrivateKey(key);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${what}: the private key in it is damaged`, { cause });
  }
}

/**
 * Parses a certificate chain and the private key of its first certificate, which is returned.
 *
 * @throws {SyntaxError} One is not PEM, or damaged.
 * @throws {RangeError} They do not belong together.
 */
export function certificateWithKey(
  { cert, key }: { readonly cert: string; readonly key: string },
  names: { readonly cert: string; readonly key: string },
): X509Certificate {
  const [leaf] = certificatesIn(cert, names.cert);
  if (leaf.checkPrivateKey(privateKeyIn(key, names.key))) return leaf;
  throw new RangeError(`Cannot use ${names.cert} with ${names.key}: they do not belong together`);
}
