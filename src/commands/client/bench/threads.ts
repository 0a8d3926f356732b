import { ParleyError } from "../../../base/errors.ts";
import { exitCodeOf, type PlainFailure, plainFailure, WorkerError } from "../../../cli/exit_codes.ts";
import { decodeHistogram, encodeHistogram } from "../../../load/histogram.ts";
import { type LoadPlan, splitPlan } from "../../../load/plan.ts";
import { type LoadEnd, runLoad, type RunLoadOptions } from "../../../load/run_load.ts";
import { Collector, type LoadSummary } from "../../../load/summary.ts";
import { onAbort } from "../../../net/wait.ts";
import { startWorker, type WorkerScope } from "../../worker.ts";

/** Options for a load on several threads. */
export interface RunThreadsOptions {
  readonly workers: number;
  /** Ends the run early. */
  readonly signal: AbortSignal;
  /** Called after each sample. */
  readonly onProgress: (collector: Collector) => void;
}

/**
 * Runs a load, in this thread or in several workers that start together.
 *
 * @throws {ParleyError} The server is unreachable, or not all connections could be opened.
 */
export async function runThreads(plan: LoadPlan, options: RunThreadsOptions): Promise<LoadSummary> {
  const plans = splitPlan(plan, options.workers);
  const collector = new Collector();
  const everyone = Promise.withResolvers<void>();
  // Prevents unhandled rejections: if one fails before it is ready, nothing awaits the others yet.
  everyone.promise.catch(() => {});
  let readyCount = 0;
  const run = plans.length === 1 ? runLoad : runLoadInWorker;
  const failed = new AbortController();
  const ends = await Promise.all(plans.map(async (part) => {
    let second = 0;
    try {
      return await run(part, {
        signal: AbortSignal.any([options.signal, failed.signal]),
        exitCodeOf,
        onReady() {
          if (++readyCount === plans.length) everyone.resolve();
          return everyone.promise;
        },
        onSample(sample) {
          collector.add(second++, sample);
          options.onProgress(collector);
        },
      });
    } catch (error) {
      everyone.reject(error);
      failed.abort(error);
      // A worker's errors arrive as text, even the stop reason.
      throw options.signal.aborted ? options.signal.reason : error;
    }
  }));
  for (const end of ends) collector.end(end);
  return collector.summary();
}

type ToWorker =
  | { readonly kind: "plan"; readonly plan: LoadPlan }
  | { readonly kind: "go" }
  | { readonly kind: "finish" };

type FromWorker =
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

/** Runs {@linkcode runLoad} in a worker. */
async function runLoadInWorker(plan: LoadPlan, options: RunLoadOptions): Promise<LoadEnd> {
  using owner = new DisposableStack();
  const worker = await startWorker();
  owner.defer(() => worker.terminate());
  const send = (message: ToWorker) => worker.postMessage(message);
  const end = Promise.withResolvers<LoadEnd>();
  worker.onerror = (event) => {
    event.preventDefault();
    end.reject(new ParleyError(`A load worker failed: ${event.message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    switch (data.kind) {
      case "hello":
        send({ kind: "plan", plan });
        owner.use(onAbort(options.signal, () => send({ kind: "finish" })));
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
  return await end.promise;
}

type LoadScope = WorkerScope<ToWorker, FromWorker>;

/** The worker's side: runs the received load. */
export function runWorker(scope: LoadScope): void {
  const go = Promise.withResolvers<void>();
  const finish = new AbortController();
  scope.onmessage = ({ data }) => {
    if (data.kind === "go") go.resolve();
    else if (data.kind === "finish") finish.abort();
    else void runPlan(data.plan, scope, go.promise, finish.signal);
  };
  scope.postMessage({ kind: "hello" });
}

async function runPlan(plan: LoadPlan, scope: LoadScope, go: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    const end = await runLoad(plan, {
      signal,
      exitCodeOf,
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
