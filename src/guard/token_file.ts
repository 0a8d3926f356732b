import { formatHex, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import type { Identity } from "./authenticator.ts";

/** Shorter tokens could be guessed: attempts are not slowed down. */
const MIN_CHARS = 16;

/** Bearer tokens by their hashes, so that a look-up takes as long for a token that is nearly right. */
export class TokenList {
  #identities: ReadonlyMap<string, Identity>;

  private constructor(identities: ReadonlyMap<string, Identity>) {
    this.#identities = identities;
  }

  /**
   * Reads lines of `NAME TOKEN`; empty lines and those that begin with # are left out.
   *
   * @throws {UsageError} A line is malformed; it is named by its number and not shown.
   */
  static async parse(text: string, file: string): Promise<TokenList> {
    const identities = new Map<string, Identity>();
    for (const [index, line] of text.split("\n").entries()) {
      const trimmed = line.trim();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const [, name, token = ""] = /^(\S+)\s+([A-Za-z0-9._~+/-]+=*)$/.exec(trimmed) ?? [];
      if (name === undefined || token.length < MIN_CHARS) {
        const form = `a line is NAME TOKEN, and a token has ${MIN_CHARS} characters or more`;
        throw new UsageError(`Cannot read ${file}, line ${index + 1}: ${form}`);
      }
      identities.set(await hashOf(token), { name, roles: [] });
    }
    return new TokenList(identities);
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#identities.size;
  }

  /** Takes over the tokens of another list. */
  replace(other: TokenList): void {
    this.#identities = other.#identities;
  }

  /** Whose token it is. */
  async identityOf(token: string): Promise<Identity | undefined> {
    return this.#identities.get(await hashOf(token));
  }
}

async function hashOf(token: string): Promise<string> {
  return formatHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(token))));
}
