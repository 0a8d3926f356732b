import { messageOf, UsageError } from "../../base/errors.ts";
import type { ReloadSignal } from "../../cli/reload_signal.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import { PasswordAuthenticator } from "../../guard/password_authenticator.ts";
import { parsePasswordFile } from "../../guard/password_file.ts";
import type { Logger } from "../../log/logger.ts";
import { readNamedFile } from "../../base/read_named_file.ts";

/**
 * Who may log in by the file of `--auth`; `undefined` where it is not given.
 *
 * @throws {UsageError} The file cannot be read, or names a line that is wrong.
 * @throws {PermissionError} The sandbox forbids reading it.
 */
export async function authenticatorOf(
  flags: { auth: string | undefined; authTimeout: number | undefined },
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<Authenticator | undefined> {
  const path = flags.auth;
  if (path === undefined) {
    if (flags.authTimeout !== undefined) throw new UsageError("--auth-timeout is given, but no --auth");
    return undefined;
  }
  const read = async () => {
    const entries = parsePasswordFile(await readNamedFile(path, "the names of --auth"), path);
    // An empty file may be filled later, and SIGHUP reads it again.
    if (entries.size === 0) log.warning("no one can log in: the file of --auth has no entry", { file: path });
    return entries;
  };
  const authenticator = new PasswordAuthenticator(await read());
  reload.add(async () => {
    try {
      const entries = await read();
      authenticator.replace(entries);
      log.info("names read again", { file: path, names: entries.size });
    } catch (error) {
      log.error("the names are kept as they were", { error: messageOf(error) });
    }
  });
  return authenticator;
}
