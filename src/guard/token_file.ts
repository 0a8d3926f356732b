import { formatHex, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import type { Identity } from "./authenticator.ts";

/** Shorter tokens could be guessed, because attempts are not throttled. */
const MIN_CHARS = 16;

/** Bearer tokens by their hashes, so that the time of a lookup reveals nothing about a token. */
export class TokenList {
  #identities: ReadonlyMap<string, Identity>;

  private constructor(identities: ReadonlyMap<string, Identity>) {
    this.#identities = identities;
  }

  /**
   * Parses lines of `NAME TOKEN`; empty lines and lines starting with # are ignored.
   *
   * @throws {UsageError} A line is invalid; the message has its number, but not its content.
   */
  static async parse(text: string, file: string): Promise<TokenList> {
    const identities = new Map<string, Identity>();
    for (const [index, line] of text.split("\n").entries()) {
      const trimmed = line.trim();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const [, name, token = ""] = /^(\S+)\s+([A-Za-z0-9._~+/-]+=*)$/.exec(trimmed) ?? [];
      if (name === undefined || token.length < MIN_CHARS) {
        const form = `expected NAME TOKEN, with a token of at least ${MIN_CHARS} characters`;
        throw new UsageError(`Cannot read ${file}, line ${index + 1}: ${form}`);
      }
      identities.set(await hashOf(token), { name, roles: [] });
    }
    return new TokenList(identities);
  }

  /** Number of tokens. */
  get size(): number {
    return this.#identities.size;
  }

  /** Replaces the tokens. */
  replace(other: TokenList): void {
    this.#identities = other.#identities;
  }

  /** Returns the owner of a token. */
  async identityOf(token: string): Promise<Identity | undefined> {
    return this.#identities.get(await hashOf(token));
  }
}

async function hashOf(token: string): Promise<string> {
  return formatHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(token))));
}
