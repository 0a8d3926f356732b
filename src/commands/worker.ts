import { missingPermission, PermissionError } from "../base/errors.ts";

const NAME = "parley-worker";

/** The worker scope, which Deno's types for modules lack. */
export interface WorkerScope<In, Out> {
  onmessage: ((event: MessageEvent<In>) => void) | null;
  postMessage(message: Out): void;
}

/**
 * Starts a worker at the program's own entry point, the only module that exists in the sources, in a bundle and in an
 * executable. The entry point calls {@linkcode runAsWorker}.
 *
 * @throws {PermissionError} The sources are not readable.
 */
export async function startWorker(): Promise<Worker> {
  await mustBeReadable(Deno.mainModule);
  return new Worker(Deno.mainModule, { type: "module", name: NAME });
}

/** Runs the worker's task in a worker; `false` in the main thread. */
export async function runAsWorker<In, Out>(
  load: () => Promise<{ runWorker(scope: WorkerScope<In, Out>): void }>,
): Promise<boolean> {
  if (!("name" in globalThis) || globalThis.name !== NAME) return false;
  (await load()).runWorker(globalThis as unknown as WorkerScope<In, Out>);
  return true;
}

/** Checked in advance, because the runtime itself prints a worker's error. */
async function mustBeReadable(module: string): Promise<void> {
  if (Deno.build.standalone || !module.startsWith("file:")) return;
  const folder = new URL(".", module);
  const { state } = await Deno.permissions.query({ name: "read", path: folder });
  if (state === "granted") return;
  const path = decodeURIComponent(folder.pathname);
  throw new PermissionError(`Cannot start a worker: ${missingPermission(`--allow-read=${path}`)}`);
}
