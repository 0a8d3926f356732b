import { missingPermission, PermissionError } from "../base/errors.ts";

/** Whether this is a worker of that name, and not the program. */
export function isWorkerNamed(name: string): boolean {
  return "name" in globalThis && globalThis.name === name;
}

/**
 * Starts a thread of the program's own. The main module is where a worker can
 * begin from the sources, from a bundle and in an executable; the entry asks
 * {@linkcode isWorkerNamed} what it is.
 *
 * @throws {PermissionError} From the sources it needs permission to read them.
 */
export async function startOwnWorker(name: string): Promise<Worker> {
  await mustBeReadable(Deno.mainModule);
  return new Worker(Deno.mainModule, { type: "module", name });
}

/** Asked before, since the runtime itself prints what a worker fails with. */
async function mustBeReadable(module: string): Promise<void> {
  if (Deno.build.standalone || !module.startsWith("file:")) return;
  const folder = new URL(".", module);
  const { state } = await Deno.permissions.query({ name: "read", path: folder });
  if (state === "granted") return;
  const path = decodeURIComponent(folder.pathname);
  throw new PermissionError(`Cannot start a worker: ${missingPermission(`--allow-read=${path}`)}`);
}
