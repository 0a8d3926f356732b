/**
 * Salted password hashes: scrypt (RFC 7914) in one line of text.
 *
 * @module
 */

/** Cost of a hash: `cost` is the binary logarithm of N. */
interface ScryptCost {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
}

interface ScryptHash extends ScryptCost {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** 32 MiB of memory per hash: acceptable for a server, expensive for guessing from a stolen file. */
const DEFAULT_COST: ScryptCost = { cost: 15, blockSize: 8, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** A higher cost in a password file could exhaust the server's memory with one login. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * `scrypt$15$8$1$SALT$HASH`: log2(N), r and p, then salt and hash in base64.
 *
 * @example A password and a wrong one
 * ```ts
 * import { hashPassword, verifyPassword } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * const hash = await hashPassword("correct horse");
 * assertEquals(await verifyPassword("correct horse", hash), true);
 * assertEquals(await verifyPassword("battery staple", hash), false);
 * ```
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const { cost, blockSize, parallelism } = DEFAULT_COST;
  const hash = await derive(password, salt, DEFAULT_COST, HASH_BYTES);
  return ["scrypt", cost, blockSize, parallelism, salt.toBase64(), hash.toBase64()].join("$");
}

/**
 * Whether the password matches the hash, compared in constant time.
 *
 * @throws {SyntaxError} The hash was not created by {@linkcode hashPassword}.
 */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parsePasswordHash(hash);
  const { timingSafeEqual } = await import("node:crypto");
  return timingSafeEqual(await derive(password, parsed.salt, parsed, parsed.hash.length), parsed.hash);
}

/**
 * Parses a hash.
 *
 * @throws {SyntaxError} The text is not a hash; the message says how to create one.
 */
export function parsePasswordHash(text: string): ScryptHash {
  const match = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(text);
  const [cost = 0, blockSize = 0, parallelism = 0] = (match?.slice(1, 4) ?? []).map(Number);
  const isWithin = cost > 0 && blockSize > 0 && parallelism > 0 && 128 * blockSize * 2 ** cost <= MAX_MEMORY_BYTES;
  const salt = decodeBase64(match?.[4]);
  const hash = decodeBase64(match?.[5]);
  if (!isWithin || salt === undefined || hash === undefined || hash.length < HASH_BYTES) {
    throw new SyntaxError("Cannot parse password hash: create one with parley-server hash-password");
  }
  return { cost, blockSize, parallelism, salt, hash };
}

async function derive(password: string, salt: Uint8Array, cost: ScryptCost, bytes: number): Promise<Uint8Array> {
  const { scrypt } = await import("node:crypto");
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const options = { N: 2 ** cost.cost, r: cost.blockSize, p: cost.parallelism, maxmem: MAX_MEMORY_BYTES * 2 };
  // Normalized, so that a password has the same bytes on every keyboard (RFC 8265, section 4).
  scrypt(password.normalize("NFC"), salt, bytes, options, (error, key) => error ? reject(error) : resolve(key));
  return await promise;
}

function decodeBase64(text: string | undefined): Uint8Array | undefined {
  try {
    return text === undefined ? undefined : Uint8Array.fromBase64(text);
  } catch {
    // Invalid base64: the caller reports the whole hash as invalid.
    return undefined;
  }
}
