import { type LoadPlan, splitPlan } from "./load_plan.ts";
import { runLoadInWorker } from "./load_worker.ts";
import { runLoad } from "./run_load.ts";
import { Collector, type LoadSummary } from "./summary.ts";

/** How a load is run by several threads. */
export interface RunThreadsOptions {
  readonly workers: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Called after each sample. */
  readonly onProgress: (collector: Collector) => void;
}

/**
 * Puts a load on a server, from this thread or from several workers that begin together.
 *
 * @throws {ParleyError} The server is not there, or not every connection could be opened.
 */
export async function runThreads(plan: LoadPlan, options: RunThreadsOptions): Promise<LoadSummary> {
  const plans = splitPlan(plan, options.workers);
  const collector = new Collector();
  const everyone = Promise.withResolvers<void>();
  // Handled here for good: where one fails before it is ready, perhaps nobody waits for the others yet.
  everyone.promise.catch(() => {});
  let readyCount = 0;
  const run = plans.length === 1 ? runLoad : runLoadInWorker;
  const failed = new AbortController();
  const ends = await Promise.all(plans.map(async (part) => {
    let second = 0;
    try {
      return await run(part, {
        signal: AbortSignal.any([options.signal, failed.signal]),
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
      // What a worker throws arrives as text, also the reason for which it was told to end.
      throw options.signal.aborted ? options.signal.reason : error;
    }
  }));
  for (const end of ends) collector.end(end);
  return collector.summary();
}
