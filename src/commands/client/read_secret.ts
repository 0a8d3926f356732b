import { UsageError } from "../../base/errors.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import { readEnvironment } from "../../script/file/variables.ts";

/**
 * Reads the secret of a flag from `env:NAME` or `file:PATH`.
 *
 * @param texts What the secret is, and what the flag takes.
 * @throws {UsageError} `from` has another form, or the variable or the file cannot be read.
 * @throws {PermissionError} The sandbox does not allow reading it.
 */
export async function readSecret(
  flag: string,
  from: string,
  texts: { readonly what: string; readonly usage: string },
): Promise<string> {
  const [, source, name = ""] = /^(env|file):(.+)$/s.exec(from) ?? [];
  // Not shown, because it may be the secret itself.
  if (source === undefined) throw new UsageError(`${flag} takes ${texts.usage}`);
  if (source === "file") return await readNamedFile(name, texts.what);
  if (!/^\w+$/.test(name)) throw new UsageError(`${flag}: the name of a variable must follow "env:"`);
  const value = readEnvironment(name);
  if (value === undefined) throw new UsageError(`${flag}: the environment variable ${name} is not set`);
  return value;
}
