import { UsageError } from "../base/errors.ts";
import { parsePasswordHash } from "./password_hash.ts";
import type { PasswordEntry } from "./password_authenticator.ts";

/** Names that can be typed in a log-in line and stand in a file of names. */
const NAME = /^[^\s:#]{1,64}$/u;

/** Whether a name can log in: no blanks, no `:`, no `#`, at most 64 characters. */
function isLogInName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Names of a file: lines `NAME:HASH` or `NAME:HASH:ROLE,ROLE`, as
 * `parley-server hash-password` prints them; `#` begins a comment line.
 *
 * @throws {UsageError} Names the line that is wrong.
 */
export function parsePasswordFile(text: string, fileName: string): ReadonlyMap<string, PasswordEntry> {
  const entries = new Map<string, PasswordEntry>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const where = `${fileName}, line ${index + 1}`;
    const [name = "", hash = "", ...rest] = line.split(":");
    // A role may hold a colon: operator:#dev.
    const roles = rest.join(":");
    if (!isLogInName(name) || hash === "") {
      throw new UsageError(`${where}: expected NAME:HASH or NAME:HASH:ROLES, as parley-server hash-password prints it`);
    }
    if (entries.has(name)) throw new UsageError(`${where}: the name ${name} was there before`);
    try {
      parsePasswordHash(hash);
    } catch (cause) {
      throw new UsageError(`${where}: this is not a hash; make one with parley-server hash-password ${name}`, {
        cause,
      });
    }
    const identity = { name, roles: roles.split(",").map((role) => role.trim()).filter(Boolean) };
    entries.set(name, { identity, hash });
  }
  return entries;
}
