import { messageOf, ParleyError, PermissionError, UsageError } from "../base/errors.ts";

/** Why a history cannot be opened, in one line that says what to do. */
export function openError(path: string, cause: unknown): ParleyError {
  const what = `Cannot use "${path}" as the history`;
  const found = messageOf(cause);
  if (cause instanceof Deno.errors.NotCapable) {
    const files = `${path},${path}-wal,${path}-shm`;
    return new PermissionError(`${what}: run again with --allow-read=${files} --allow-write=${files}`, { cause });
  }
  if (/not a database|malformed/.test(found)) {
    return new UsageError(`${what}: it is no SQLite database, or a damaged one; name another file`, { cause });
  }
  if (/locked/.test(found)) return new UsageError(`${what}: another program uses it`, { cause });
  if (/readonly/.test(found)) return new PermissionError(`${what}: it cannot be written`, { cause });
  if (/unable to open/.test(found)) {
    return new PermissionError(`${what}: the file or its folder cannot be opened or made`, { cause });
  }
  return new ParleyError(`${what}: ${found}`, { cause });
}
