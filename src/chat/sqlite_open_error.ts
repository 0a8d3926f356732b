import {
  messageOf,
  missingPermission,
  OutOfResourcesError,
  ParleyError,
  PermissionError,
  UsageError,
} from "../base/errors.ts";

/** The error for a history that cannot be opened, with advice. */
export function openError(path: string, cause: unknown): ParleyError {
  const what = `Cannot use "${path}" as the history`;
  const found = messageOf(cause);
  if (cause instanceof Deno.errors.NotCapable) {
    const files = `${path},${path}-wal,${path}-shm`;
    return new PermissionError(`${what}: ${missingPermission(`--allow-read=${files} --allow-write=${files}`)}`, {
      cause,
    });
  }
  if (cause instanceof NotADatabaseError || /not a database|malformed/.test(found)) {
    return new UsageError(`${what}: not a SQLite database, or damaged; use another file`, { cause });
  }
  if (/locked/.test(found)) return new UsageError(`${what}: another program uses it`, { cause });
  if (/\bfull\b|no space|quota|disk i\/o error/i.test(found)) {
    return new OutOfResourcesError(`${what}: the disk is full or fails (${found})`, { cause });
  }
  if (/read-?only/i.test(found)) return new PermissionError(`${what}: it cannot be written`, { cause });
  if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
    return new UsageError(`${what}: no such folder`, { cause });
  }
  if (cause instanceof NotAFileError) return new UsageError(`${what}: it is not a regular file`, { cause });
  // A missing file is created with `createNew`, which does not follow links.
  if (cause instanceof Deno.errors.AlreadyExists) {
    return new UsageError(`${what}: it is a link to a file that does not exist`, { cause });
  }
  if (/is a directory/i.test(found)) return new UsageError(`${what}: it is a folder`, { cause });
  if (/unable to open|permission denied/i.test(found)) {
    return new PermissionError(`${what}: permission denied`, { cause });
  }
  return new ParleyError(`${what}: ${found}`, { cause });
}

const MAGIC = "SQLite format 3\0";

class NotADatabaseError extends Error {}
class NotAFileError extends Error {}

/**
 * Creates a missing file readable only by its owner, and checks an existing one, because SQLite takes any very short
 * file for an empty database.
 *
 * @throws {Error} The file cannot be created or read, or is not a database.
 */
export function prepareFile(path: string): void {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    // Opening a FIFO would wait for a writer.
    if (!isFile && !isDirectory) throw new NotAFileError();
    using file = Deno.openSync(path, { read: true });
    const head = new Uint8Array(MAGIC.length);
    const count = file.readSync(head) ?? 0;
    if (count > 0 && new TextDecoder().decode(head.subarray(0, count)) !== MAGIC) throw new NotADatabaseError();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  }
}
