import { missingPermission, PermissionError, UsageError } from "./errors.ts";
import { reasonOf } from "./system_error.ts";

const LF = 0x0a;

/**
 * Reads a text file named by a flag, without its byte order mark.
 *
 * @param what The kind of file, for messages: `the certificate`.
 * @throws {UsageError} The file is missing, a directory, or not UTF-8; the message names the line.
 * @throws {PermissionError} The system or the sandbox denies access; the message names the permission.
 */
export async function readNamedFile(path: string, what: string): Promise<string> {
  const bytes = await readNamedBytes(path, what);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`Cannot read ${what} ${path}: line ${lineOfFault(bytes)} is not UTF-8`, { cause });
  }
}

/** Reads the bytes of a file named by a flag; throws like {@linkcode readNamedFile}. */
export async function readNamedBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    const doing = `Cannot read ${what} ${path}`;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`${doing}: ${missingPermission(`--allow-read=${path}`)}`, { cause });
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new PermissionError(`${doing}: permission denied`, { cause });
    }
    throw new UsageError(`${doing}: ${whyNot(cause)}`, { cause });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return reasonOf(error);
}

/**
 * The number of the first line that is not UTF-8. No multi-byte sequence contains a line end, so each line can be
 * checked alone.
 */
function lineOfFault(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let from = 0; from <= bytes.length; line++) {
    const end = bytes.indexOf(LF, from);
    const to = end === -1 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(from, to));
    } catch {
      return line;
    }
    if (end === -1) return line;
    from = to;
  }
  return line;
}
