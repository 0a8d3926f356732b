import { messageOf, PermissionError, UsageError } from "../base/errors.ts";

/**
 * Writes a text to a file that a flag names.
 *
 * @throws {UsageError} It cannot be written.
 * @throws {PermissionError} The sandbox forbids it; the message names the permission.
 */
export async function writeNamedFile(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`Cannot write ${path}: the permission --allow-write=${path} is missing`, { cause });
    }
    throw new UsageError(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}
