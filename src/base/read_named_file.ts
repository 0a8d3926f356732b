import { missingPermission, PermissionError, UsageError } from "./errors.ts";
import { reasonOf } from "./system_error.ts";

/**
 * The text of a file that a flag names.
 *
 * @param what For messages: `the certificate`.
 * @throws {UsageError} It is missing, or not a file.
 * @throws {PermissionError} The system or the sandbox forbids it; the message names the permission.
 */
export async function readNamedFile(path: string, what: string): Promise<string> {
  return new TextDecoder().decode(await readNamedBytes(path, what));
}

/** The bytes of a file that a flag names; it throws as {@linkcode readNamedFile} does. */
export async function readNamedBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`Cannot read ${what} ${path}: ${missingPermission(`--allow-read=${path}`)}`, {
        cause,
      });
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new PermissionError(`Cannot read ${what} ${path}: permission denied`, { cause });
    }
    throw new UsageError(`Cannot read ${what} ${path}: ${whyNot(cause)}`, { cause });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return reasonOf(error);
}
