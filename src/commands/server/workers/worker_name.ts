import { isWorkerNamed } from "../../own_worker.ts";

/** Name of the threads that serve beside the program's own. */
export const SERVER_WORKER = "parley-serve";

/** Whether this is such a thread, and not the program. */
export function isServerWorker(): boolean {
  return isWorkerNamed(SERVER_WORKER);
}

/** What such a thread does. */
export async function runServerWorker(): Promise<void> {
  const { serveAsWorker } = await import("./serve_as_worker.ts");
  // Deno's types of a module know no worker's scope.
  serveAsWorker(globalThis as unknown as Parameters<typeof serveAsWorker>[0]);
}
