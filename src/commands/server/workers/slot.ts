import { UsageError } from "../../../base/errors.ts";
import { isHostEndpoint, parseEndpoint } from "../../../net/endpoint.ts";
import type { ServerStats } from "../../../server/server_stats.ts";
import type { NamedService } from "../../../services/service.ts";

/** The position of a thread among those of a server. */
export interface WorkerSlot {
  /** 0 for the main thread. */
  readonly index: number;
  readonly count: number;
  /** Ends a worker, which does not receive signals. */
  readonly stop?: AbortSignal;
  /** Called once connections are accepted. */
  readonly onServing?: (stats: ServerStats) => void;
}

/** Numbers connections uniquely across threads. */
export function idsOf({ index, count }: WorkerSlot): () => number {
  let next = index + 1 - count;
  return () => next += count;
}

/** This thread's share of a total limit. */
export function shareOf(limit: number, { count }: WorkerSlot): number {
  return Math.max(1, Math.floor(limit / count));
}

/**
 * Rejects `--workers` if several threads cannot act as one server.
 *
 * @throws {UsageError} Several threads cannot act as one server; the message says why.
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
  if (service.sharesState) {
    throw new UsageError(`${service.name} does not support --workers: it keeps its state in one thread`);
  }
  if (maxAccepts !== undefined) throw new UsageError("--workers and --exit-after cannot be combined");
  const unshared = endpoints.find((endpoint) => !isHostEndpoint(parseEndpoint(endpoint)));
  if (unshared !== undefined) throw new UsageError(`--workers cannot share ${unshared}: only ports can be shared`);
}
