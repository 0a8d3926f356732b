/**
 * Certificates made for one test run: an authority and what it signs. Written
 * on Web Crypto, so that the tests need nothing that is installed.
 *
 * @module
 */

import { bits, boolean, der, integer, octets, oid, sequence, setOf, text, time } from "./der.ts";

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** The contents of a certificate; times are days from now. */
export interface LeafOptions {
  name?: string;
  /** Host names and IPv4 addresses. */
  hosts?: readonly string[];
  fromDays?: number;
  toDays?: number;
  /** A CA certificate, as a leaf must not be. */
  isAuthority?: boolean;
  /** What it may be used for; both by default. */
  usages?: readonly ("server" | "client")[];
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const MS_PER_DAY = 86_400_000;

const IS_AUTHORITY = sequence(oid("2.5.29.19"), boolean(true), octets(sequence(boolean(true))));
const MAY_ONLY_SIGN = sequence(oid("2.5.29.15"), boolean(true), octets(bits(Uint8Array.of(0x06), 1)));
const AUTHORITY_EXTENSIONS = [IS_AUTHORITY, MAY_ONLY_SIGN];
const USAGES = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

/** An authority of its own. */
export class TestAuthority {
  /** The authority's certificate, in PEM. */
  readonly cert: string;
  readonly #name: string;
  readonly #keys: CryptoKeyPair;

  private constructor(name: string, keys: CryptoKeyPair, cert: string) {
    this.#name = name;
    this.#keys = keys;
    this.cert = cert;
  }

  static async create(
    name = "Parley test CA",
    times: Pick<LeafOptions, "fromDays" | "toDays"> = {},
  ): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
    const names = { ...times, subject: name, issuer: name, key: keys.publicKey, signer: keys.privateKey };
    return new TestAuthority(name, keys, await sign(names, AUTHORITY_EXTENSIONS));
  }

  /** An authority that this one has signed. */
  async intermediate(name: string, times: Pick<LeafOptions, "fromDays" | "toDays"> = {}): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
    const names = { ...times, subject: name, issuer: this.#name, key: keys.publicKey, signer: this.#keys.privateKey };
    return new TestAuthority(name, keys, await sign(names, AUTHORITY_EXTENSIONS));
  }

  /** A certificate for servers and clients, and its key. */
  async issue(options: LeafOptions = {}): Promise<Pair> {
    const keys = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
    const { name = "localhost" } = options;
    const names = { subject: name, issuer: this.#name, key: keys.publicKey, signer: this.#keys.privateKey };
    return { cert: await sign({ ...names, ...options }, leafExtensions(options)), key: await exportKey(keys) };
  }
}

/** A self-signed certificate. */
export async function selfSigned(options: LeafOptions = {}): Promise<Pair> {
  const keys = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const { name = "localhost" } = options;
  const names = { subject: name, issuer: name, key: keys.publicKey, signer: keys.privateKey };
  return { cert: await sign({ ...names, ...options }, leafExtensions(options)), key: await exportKey(keys) };
}

function leafExtensions(
  { hosts = ["localhost", "127.0.0.1"], usages = ["server", "client"], isAuthority = false }: LeafOptions,
): Uint8Array[] {
  const names = hosts.map((host) =>
    /^[\d.]+$/.test(host)
      ? der(0x87, Uint8Array.from(host.split("."), Number))
      : der(0x82, new TextEncoder().encode(host))
  );
  return [
    ...names.length > 0 ? [sequence(oid("2.5.29.17"), octets(sequence(...names)))] : [],
    sequence(oid("2.5.29.37"), octets(sequence(...usages.map((usage) => oid(USAGES[usage]))))),
    ...isAuthority ? [IS_AUTHORITY] : [],
  ];
}

interface Names extends LeafOptions {
  subject: string;
  issuer: string;
  key: CryptoKey;
  signer: CryptoKey;
}

/** Certificate of RFC 5280, section 4.1. */
async function sign(names: Names, extensions: readonly Uint8Array[]): Promise<string> {
  const now = Date.now();
  const inDays = (days: number) => time(new Date(now + days * MS_PER_DAY));
  const body = sequence(
    der(0xa0, integer(Uint8Array.of(2))),
    integer(crypto.getRandomValues(new Uint8Array(8))),
    ECDSA_WITH_SHA256,
    distinguishedName(names.issuer),
    sequence(inDays(names.fromDays ?? -1), inDays(names.toDays ?? 30)),
    distinguishedName(names.subject),
    new Uint8Array(await crypto.subtle.exportKey("spki", names.key)),
    der(0xa3, sequence(...extensions)),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(SIGNATURE, names.signer, body));
  // Web Crypto joins the two numbers; a certificate has them as a sequence (RFC 3279, section 2.2.3).
  const signature = sequence(integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
  return pem("CERTIFICATE", sequence(body, ECDSA_WITH_SHA256, bits(signature)));
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(setOf(sequence(oid("2.5.4.3"), text(commonName))));
}

async function exportKey(keys: CryptoKeyPair): Promise<string> {
  return pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey)));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
