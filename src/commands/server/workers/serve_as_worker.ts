import { plainFailure } from "../../../cli/exit_codes.ts";
import { systemIo } from "../../../cli/io.ts";
import type { ServerStats } from "../../../server/server_stats.ts";
import { SERVICES } from "../../../services/registry.ts";
import { loadService } from "../../../services/service.ts";
import type { ServeFlags } from "../open_service.ts";
import { serve } from "../serve.ts";
import type { WorkerScope } from "../../worker.ts";
import type { FromWorker, ToWorker, WorkerTask } from "./pool.ts";

type ServerScope = WorkerScope<ToWorker, FromWorker>;

/** The worker's side: serves until the main thread stops it. */
export function runWorker(scope: ServerScope): void {
  const stop = new AbortController();
  let stats: ServerStats | undefined;
  scope.onmessage = ({ data }) => {
    switch (data.kind) {
      case "serve":
        return void serveTask(data.task, scope, stop.signal, (serving) => stats = serving);
      case "stop":
        return stop.abort();
      case "snapshot":
        return void stats?.snapshot(data.withConnections).then((snapshot) =>
          scope.postMessage({ kind: "snapshot", id: data.id, snapshot })
        );
    }
  };
  scope.postMessage({ kind: "hello" });
}

async function serveTask(
  task: WorkerTask,
  scope: ServerScope,
  stop: AbortSignal,
  onStats: (stats: ServerStats) => void,
): Promise<void> {
  try {
    const entry = SERVICES.find(({ name }) => name === task.service);
    if (entry === undefined) throw new TypeError(`Cannot serve "${task.service}": no such service`);
    const slot = {
      index: task.index,
      count: task.count,
      stop,
      onServing(stats: ServerStats) {
        onStats(stats);
        scope.postMessage({ kind: "serving" });
      },
    };
    // Parsed by the main thread with the table of the same service.
    await serve(await loadService(entry), task.flags as ServeFlags, task.endpoints, systemIo(neverExit), { slot });
    scope.postMessage({ kind: "ended" });
  } catch (error) {
    scope.postMessage({ kind: "failed", failure: plainFailure(error) });
  }
}

/** Signals are handled by the main thread. */
function neverExit(): never {
  throw new TypeError("Cannot exit from a worker");
}
