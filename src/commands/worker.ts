import { missingPermission, PermissionError } from "../base/errors.ts";

const NAME = "parley-worker";

/** A worker's side of its messages; Deno's types of a module do not include a worker's scope. */
export interface WorkerScope<In, Out> {
  onmessage: ((event: MessageEvent<In>) => void) | null;
  postMessage(message: Out): void;
}

/**
 * Starts a worker of the program. It begins at the program's own entry point,
 * the only module that exists in the sources, in a bundle and in an executable
 * alike; the entry point calls {@linkcode runAsWorker}.
 *
 * @throws {PermissionError} The sources are not readable.
 */
export async function startWorker(): Promise<Worker> {
  await mustBeReadable(Deno.mainModule);
  return new Worker(Deno.mainModule, { type: "module", name: NAME });
}

/** Runs what the program's workers do; `false` in the program itself. */
export async function runAsWorker<In, Out>(
  load: () => Promise<{ runWorker(scope: WorkerScope<In, Out>): void }>,
): Promise<boolean> {
  if (!("name" in globalThis) || globalThis.name !== NAME) return false;
  (await load()).runWorker(globalThis as unknown as WorkerScope<In, Out>);
  return true;
}

/** Checked before, because the runtime itself prints the error that a worker fails with. */
async function mustBeReadable(module: string): Promise<void> {
  if (Deno.build.standalone || !module.startsWith("file:")) return;
  const folder = new URL(".", module);
  const { state } = await Deno.permissions.query({ name: "read", path: folder });
  if (state === "granted") return;
  const path = decodeURIComponent(folder.pathname);
  throw new PermissionError(`Cannot start a worker: ${missingPermission(`--allow-read=${path}`)}`);
}
