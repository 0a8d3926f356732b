import {
  codeOf,
  missingPermission,
  OutOfResourcesError,
  ParleyError,
  PermissionError,
  UsageError,
} from "../base/errors.ts";
import { isOutOfResources, reasonOf } from "../base/system_error.ts";

/** Options of {@linkcode OutputFile.open}. */
interface OutputFileOptions {
  /**
   * Whether the file is removed when the program ends.
   *
   * @default {false}
   */
  isTemporary?: boolean;
}

/**
 * An output file named by a flag: a report, a recording, a ready file. It is always either absent or complete, so that
 * a reader never sees an earlier run's file or a partial one.
 *
 * A device, a pipe or a mount point cannot be replaced and is written in place.
 */
export class OutputFile implements Disposable {
  readonly #path: string;
  readonly #what: string;
  readonly #onExit: (() => void) | undefined;
  #file: Deno.FsFile | undefined;
  #length = 0;

  private constructor(path: string, what: string, file: Deno.FsFile | undefined, isTemporary: boolean) {
    this.#path = path;
    this.#what = what;
    this.#file = file;
    if (!isTemporary || file !== undefined) return;
    // A second signal exits without disposal.
    this.#onExit = () => this.#removeOwn();
    addEventListener("unload", this.#onExit);
  }

  /**
   * Removes the file of an earlier run, and checks that it can be written. The file is created by the first {@linkcode
   * write}.
   *
   * @param what The kind of file, for messages: `the report`.
   * @throws {UsageError} The folder does not exist, or the path is a folder.
   * @throws {PermissionError} The sandbox or the system denies access; the message names the permission.
   */
  static open(path: string, what: string, { isTemporary = false }: OutputFileOptions = {}): OutputFile {
    try {
      const target = replaceable(path);
      if (target === undefined) {
        return new OutputFile(path, what, Deno.openSync(path, { write: true, truncate: true }), false);
      }
      createDraft(target).close();
      Deno.removeSync(draftOf(target));
      return new OutputFile(target, what, undefined, isTemporary);
    } catch (cause) {
      throw failure(path, what, cause);
    }
  }

  /**
   * Appends a text completely or not at all. The first text is renamed into place.
   *
   * @throws {OutOfResourcesError} The disk is full.
   */
  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    try {
      if (this.#file === undefined) this.#file = publish(this.#path, bytes);
      else writeAll(this.#file, bytes, this.#length);
      this.#length += bytes.length;
    } catch (cause) {
      throw failure(this.#path, this.#what, cause);
    }
  }

  /** Closes it; a temporary file is removed. */
  [Symbol.dispose](): void {
    if (this.#onExit) {
      removeEventListener("unload", this.#onExit);
      this.#onExit();
    }
    this.#file?.close();
  }

  /** Another program may have created its own file there since. */
  #removeOwn(): void {
    try {
      const own = this.#file?.statSync();
      const found = own && Deno.statSync(this.#path);
      if (found && found.ino === own.ino && found.dev === own.dev) Deno.removeSync(this.#path);
    } catch {
      // It has been removed already.
    }
  }
}

/**
 * The path to rename a new file to, after removing a regular file; `undefined` if the existing file must be written in
 * place.
 */
function replaceable(path: string): string | undefined {
  const found = statOf(Deno.lstatSync, path);
  if (found === undefined) return path;
  if (found.isSymlink) {
    const target = statOf(Deno.statSync, path);
    if (target === undefined) return path;
    // A pipe has no path, such as that of `/dev/stdout` or of a shell's `>(...)`.
    return target.isFile ? replaceable(Deno.realPathSync(path)) : undefined;
  }
  if (!found.isFile) return undefined;
  try {
    Deno.removeSync(path);
    return path;
  } catch (error) {
    if (codeOf(error) === "EBUSY") return undefined;
    throw error;
  }
}

function statOf(stat: (path: string) => Deno.FileInfo, path: string): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function draftOf(path: string): string {
  return `${path}.draft`;
}

/** Always a new file, so that a leftover of a killed run or a planted link is never written to. */
function createDraft(path: string): Deno.FsFile {
  const draft = draftOf(path);
  if (statOf(Deno.lstatSync, draft) !== undefined) Deno.removeSync(draft);
  return Deno.openSync(draft, { write: true, createNew: true });
}

function publish(path: string, bytes: Uint8Array): Deno.FsFile {
  const file = createDraft(path);
  try {
    writeAll(file, bytes, 0);
    Deno.renameSync(draftOf(path), path);
    return file;
  } catch (error) {
    file.close();
    Deno.removeSync(draftOf(path));
    throw error;
  }
}

/** Appends everything to a file of this length, or truncates it to this length. */
function writeAll(file: Deno.FsFile, bytes: Uint8Array, length: number): void {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
  } catch (error) {
    if (rest.length < bytes.length && file.statSync().isFile) {
      file.truncateSync(length);
      file.seekSync(length, Deno.SeekMode.Start);
    }
    throw error;
  }
}

function failure(path: string, what: string, cause: unknown): Error {
  const doing = `Cannot write ${what} ${path}`;
  if (cause instanceof Deno.errors.NotCapable) {
    // A device needs more than a permission for its path.
    const files = `${path},${draftOf(path)}`;
    const flags = cause.message.includes("--allow-all")
      ? "--allow-all"
      : `--allow-read=${files} --allow-write=${files}`;
    return new PermissionError(`${doing}: ${missingPermission(flags)}`, { cause });
  }
  const code = codeOf(cause);
  if (isOutOfResources(cause)) return new OutOfResourcesError(`${doing}: ${reasonOf(cause)}`, { cause });
  if (cause instanceof Deno.errors.PermissionDenied || code === "EROFS") {
    return new PermissionError(`${doing}: ${reasonOf(cause)}`, { cause });
  }
  if (cause instanceof Deno.errors.NotFound || code === "ENOTDIR") {
    return new UsageError(`${doing}: no such folder`, { cause });
  }
  if (code === "EISDIR") return new UsageError(`${doing}: is a folder`, { cause });
  return new ParleyError(`${doing}: ${reasonOf(cause)}`, { cause });
}
