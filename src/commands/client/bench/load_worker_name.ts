import { isWorkerNamed } from "../../own_worker.ts";

/** Name of the workers that load a server. */
export const LOAD_WORKER = "parley-load";

/** Whether this is such a worker, and not the program. */
export function isLoadWorker(): boolean {
  return isWorkerNamed(LOAD_WORKER);
}

/** What such a worker does. */
export async function runLoadWorker(): Promise<void> {
  const { serveLoad } = await import("./load_worker.ts");
  // Deno's types of a module know no worker's scope.
  serveLoad(globalThis as unknown as Parameters<typeof serveLoad>[0]);
}
