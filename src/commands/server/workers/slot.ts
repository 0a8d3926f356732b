import { UsageError } from "../../../base/errors.ts";
import { isHostEndpoint, parseEndpoint } from "../../../net/endpoint.ts";
import type { ServerStats } from "../../../server/server_stats.ts";
import type { NamedService } from "../../../services/service.ts";

/** Which of the threads of one server a server is. */
export interface WorkerSlot {
  /** 0 for the program's own thread. */
  readonly index: number;
  readonly count: number;
  /** Ends it, where that is not for the program's signals to do. */
  readonly stop?: AbortSignal;
  /** Called once connections are accepted. */
  readonly onServing?: (stats: ServerStats) => void;
}

/** Numbers connections so that no two threads give the same one. */
export function idsOf({ index, count }: WorkerSlot): () => number {
  let next = index + 1 - count;
  return () => next += count;
}

/** This thread's part of a limit for all. */
export function shareOf(limit: number, { count }: WorkerSlot): number {
  return Math.max(1, Math.floor(limit / count));
}

/**
 * Rejects `--workers` where several threads would not be one server.
 *
 * @throws {UsageError} It says why.
 */
export function checkWorkers(
  workers: number,
  { service, endpoints, maxAccepts }: {
    service: NamedService;
    endpoints: readonly string[];
    maxAccepts: number | undefined;
  },
): void {
  if (workers === 1) return;
  if (Deno.build.os !== "linux") throw new UsageError("--workers needs Linux: elsewhere threads cannot share a port");
  if (service.sharesState) throw new UsageError(`${service.name} keeps its state in one thread: it takes no --workers`);
  if (maxAccepts !== undefined) throw new UsageError("--workers and --exit-after cannot be combined");
  const unshared = endpoints.find((endpoint) => !isHostEndpoint(parseEndpoint(endpoint)));
  if (unshared !== undefined) throw new UsageError(`--workers cannot share ${unshared}: only ports can be shared`);
}
