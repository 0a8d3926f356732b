/**
 * SCRAM-SHA-256 as a client (RFC 5802, RFC 7677), without channel binding.
 *
 * @module
 */

import { equalBytes, utf8 } from "../base/bytes.ts";
import { ParleyError } from "../base/errors.ts";

/** Limits the processor time that a malicious server can cause. */
const MAX_ITERATIONS = 1_000_000;
/** "n,,": the client does not support channel binding (RFC 5802, section 7). */
const GS2_HEADER = "n,,";

/** One authentication: `first()`, then `final()` with the server's first message, then `verify()` with its last one. */
export class ScramClient {
  readonly #password: string;
  readonly #nonce: string;
  readonly #clientFirstBare: string;
  #serverSignature: Uint8Array | undefined;

  constructor(user: string, password: string, nonce: string = crypto.randomUUID()) {
    this.#password = password;
    this.#nonce = nonce;
    this.#clientFirstBare = `n=${user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  first(): string {
    return `${GS2_HEADER}${this.#clientFirstBare}`;
  }

  /** @throws {ParleyError} The server's message is malformed, or its nonce does not extend the client's. */
  async final(serverFirst: string): Promise<string> {
    const fields = fieldsOf(serverFirst);
    const nonce = fields.get("r") ?? "";
    const iterations = Number(fields.get("i"));
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw new ParleyError("SCRAM: invalid server nonce");
    if (!Number.isInteger(iterations) || iterations < 1 || iterations > MAX_ITERATIONS) {
      throw new ParleyError(`SCRAM: invalid iteration count "${fields.get("i")}"`);
    }
    const salted = await pbkdf2(this.#password, decodeBase64(fields.get("s")), iterations);
    const clientKey = await hmac(salted, utf8("Client Key"));
    const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
    const withoutProof = `c=${utf8(GS2_HEADER).toBase64()},r=${nonce}`;
    const signed = utf8(`${this.#clientFirstBare},${serverFirst},${withoutProof}`);
    const clientSignature = await hmac(storedKey, signed);
    const proof = clientKey.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
    this.#serverSignature = await hmac(await hmac(salted, utf8("Server Key")), signed);
    return `${withoutProof},p=${proof.toBase64()}`;
  }

  /** @throws {ParleyError} The server does not know the password. */
  verify(serverFinal: string): void {
    const signature = decodeBase64(fieldsOf(serverFinal).get("v"));
    if (this.#serverSignature === undefined || !equalBytes(signature, this.#serverSignature)) {
      throw new ParleyError("SCRAM: the server could not prove that it knows the password");
    }
  }
}

function fieldsOf(message: string): Map<string, string> {
  return new Map(message.split(",").map((field) => [field.slice(0, 1), field.slice(2)]));
}

function decodeBase64(text = ""): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new ParleyError("SCRAM: invalid Base64", { cause });
  }
}

async function pbkdf2(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", utf8(password.normalize("NFKC")), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256),
  );
}

async function hmac(key: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}
