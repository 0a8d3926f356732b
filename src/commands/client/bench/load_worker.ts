import { ParleyError } from "../../../base/errors.ts";
import { type PlainFailure, plainFailure, WorkerError } from "../../../cli/exit_codes.ts";
import { startOwnWorker } from "../../own_worker.ts";
import { decodeHistogram, encodeHistogram } from "./histogram.ts";
import type { LoadPlan } from "./load_plan.ts";
import { LOAD_WORKER } from "./load_worker_name.ts";
import { type LoadEnd, runLoad, type RunLoadOptions } from "./run_load.ts";

type ToWorker =
  | { readonly kind: "plan"; readonly plan: LoadPlan }
  | { readonly kind: "go" }
  | { readonly kind: "finish" };

type FromWorker =
  /** It listens. */
  | { readonly kind: "hello" }
  | { readonly kind: "ready" }
  | {
    readonly kind: "sample";
    readonly sent: number;
    readonly answered: number;
    readonly lost: number;
    readonly latency: string;
    readonly service: string;
  }
  | { readonly kind: "end"; readonly end: LoadEnd }
  | { readonly kind: "failed"; readonly failure: PlainFailure };

/** Runs a load as {@linkcode runLoad} does, in a thread of its own. */
export async function runLoadInWorker(plan: LoadPlan, options: RunLoadOptions): Promise<LoadEnd> {
  const worker = await startOwnWorker(LOAD_WORKER);
  const send = (message: ToWorker) => worker.postMessage(message);
  const onAbort = () => send({ kind: "finish" });
  options.signal.addEventListener("abort", onAbort, { once: true });
  const end = Promise.withResolvers<LoadEnd>();
  worker.onerror = (event) => {
    event.preventDefault();
    end.reject(new ParleyError(`A load worker failed: ${event.message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    switch (data.kind) {
      case "hello":
        send({ kind: "plan", plan });
        break;
      case "ready":
        options.onReady().then(() => send({ kind: "go" }), end.reject);
        break;
      case "sample":
        options.onSample({
          ...data,
          latency: decodeHistogram(data.latency),
          service: decodeHistogram(data.service),
        });
        break;
      case "end":
        end.resolve(data.end);
        break;
      case "failed":
        end.reject(new WorkerError(data.failure));
    }
  };
  try {
    return await end.promise;
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    worker.terminate();
  }
}

/** What a worker has of the world. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

/** The worker's side: runs the load that it is given. */
export function serveLoad(scope: WorkerScope): void {
  const go = Promise.withResolvers<void>();
  const finish = new AbortController();
  scope.onmessage = ({ data }) => {
    if (data.kind === "go") go.resolve();
    else if (data.kind === "finish") finish.abort();
    else void serve(data.plan, scope, go.promise, finish.signal);
  };
  scope.postMessage({ kind: "hello" });
}

async function serve(plan: LoadPlan, scope: WorkerScope, go: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    const end = await runLoad(plan, {
      signal,
      onReady() {
        scope.postMessage({ kind: "ready" });
        return go;
      },
      onSample({ latency, service, ...counts }) {
        const histograms = { latency: encodeHistogram(latency), service: encodeHistogram(service) };
        scope.postMessage({ kind: "sample", ...counts, ...histograms });
      },
    });
    scope.postMessage({ kind: "end", end });
  } catch (error) {
    scope.postMessage({ kind: "failed", failure: plainFailure(error) });
  }
}
