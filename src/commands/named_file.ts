import { codeOf, messageOf, NoRoomError, ParleyError, PermissionError, UsageError } from "../base/errors.ts";

/** Codes of the system for a full disk, a used up quota, and the most that a file may hold. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * A file that a flag names, for the results of this run. It is opened before
 * there are any: a path that cannot be written is told at once, and what an
 * earlier run has left there is never taken for a result of this one.
 */
export class NamedFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #what: string;

  private constructor(file: Deno.FsFile, path: string, what: string) {
    this.#file = file;
    this.#path = path;
    this.#what = what;
  }

  /**
   * Opens it; it is empty then.
   *
   * @param what For messages: `the report`.
   * @throws {UsageError} There is no such place.
   * @throws {PermissionError} The sandbox or the system forbids it; the message names the permission.
   */
  static open(path: string, what: string): NamedFile {
    try {
      return new NamedFile(Deno.openSync(path, { write: true, create: true, truncate: true }), path, what);
    } catch (cause) {
      throw failure(path, what, cause);
    }
  }

  /**
   * Writes all of a text before it returns.
   *
   * @throws {NoRoomError} The disk is full.
   */
  write(text: string): void {
    let rest = new TextEncoder().encode(text);
    try {
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (cause) {
      throw failure(this.#path, this.#what, cause);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function failure(path: string, what: string, cause: unknown): Error {
  const doing = `Cannot write ${what} ${path}`;
  if (cause instanceof Deno.errors.NotCapable) {
    // Devices and the like are not to be had by name.
    const flag = cause.message.includes("--allow-all") ? "--allow-all" : `--allow-write=${path}`;
    return new PermissionError(`${doing}: the permission ${flag} is missing`, { cause });
  }
  const code = codeOf(cause);
  if (NO_ROOM.has(code)) return new NoRoomError(`${doing}: ${messageOf(cause)}`, { cause });
  if (cause instanceof Deno.errors.PermissionDenied || code === "EROFS") {
    return new PermissionError(`${doing}: ${messageOf(cause)}`, { cause });
  }
  if (cause instanceof Deno.errors.NotFound) return new UsageError(`${doing}: there is no such folder`, { cause });
  if (code === "EISDIR") return new UsageError(`${doing}: it is a directory`, { cause });
  return new ParleyError(`${doing}: ${messageOf(cause)}`, { cause });
}
