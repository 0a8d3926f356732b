import { UsageError } from "../base/errors.ts";
import { parsePasswordHash } from "./password_hash.ts";
import type { PasswordEntry } from "./password_authenticator.ts";

/** Names that can be used in a login line and in a password file. */
const NAME = /^[^\s:#]{1,64}$/u;

/**
 * Parses a password file: lines `NAME:HASH` or `NAME:HASH:ROLE,ROLE`, as printed by `parley-server hash-password`; `#`
 * starts a comment line.
 *
 * @throws {UsageError} A line is invalid; the message names it.
 */
export function parsePasswordFile(text: string, fileName: string): ReadonlyMap<string, PasswordEntry> {
  const entries = new Map<string, PasswordEntry>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const where = `${fileName}, line ${index + 1}`;
    const [name = "", hash = "", ...rest] = line.split(":");
    // A role may contain a colon: operator:#dev.
    const roles = rest.join(":");
    if (!NAME.test(name) || hash === "") {
      throw new UsageError(`${where}: expected NAME:HASH or NAME:HASH:ROLES, as parley-server hash-password prints it`);
    }
    if (entries.has(name)) throw new UsageError(`${where}: duplicate name ${name}`);
    try {
      parsePasswordHash(hash);
    } catch (cause) {
      throw new UsageError(`${where}: invalid password hash; create one with parley-server hash-password ${name}`, {
        cause,
      });
    }
    const identity = { name, roles: roles.split(",").map((role) => role.trim()).filter(Boolean) };
    entries.set(name, { identity, hash });
  }
  return entries;
}
